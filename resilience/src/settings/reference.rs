//! The reference page, made from the types, so that it cannot lag behind.

use std::borrow::Cow;
use std::fmt::Write;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema, schema_for};
use serde_json::Value;

use super::{Addresses, Count, Limit, Settings, Span, Status};

/// A type that is written as something simple.
macro_rules! written_as {
    ($($type:ty, $name:literal, $description:literal;)*) => {
        $(
            impl JsonSchema for $type {
                fn schema_name() -> Cow<'static, str> {
                    $name.into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!({ "description": $description })
                }
            }
        )*
    };
}

written_as! {
    Addresses, "Addresses", "Addresses with commas between them, like `http://10.0.0.7:4000,http://10.0.0.8:4000`.";
    Count, "Count", "A whole number from 0 on, or `none`.";
    Limit, "Limit", "A length of time like `500ms` or `2s`, or `none`.";
    Span, "Span", "A length of time like `500ms`, `1s 500ms` or `2min`.";
    Status, "Status", "A status of HTTP, such as 503.";
}

fn page() -> String {
    let schema = schema_for!(Settings);
    let root = schema.as_value();
    let mut page =
        "# Settings of `resilience`\n\nWhat `resilience::settings::Settings` reads from \
                    files and the environment; with the prefix `MESH`, \
                    `MESH_CLIENTS__METADATA__RETRY__MAXIMUM_ATTEMPTS=2` is \
                    `clients.metadata.retry.maximum_attempts`. Every key may be left out unless it \
                    is required. Made from the types: `APLOMB_WRITE=1 cargo test -p resilience \
                    --lib settings::reference`.\n\n"
            .to_owned();
    section(&mut page, "Settings", root);
    for (name, definition) in root["$defs"].as_object().unwrap() {
        section(&mut page, name, definition);
    }
    page.trim_end().to_owned() + "\n"
}

fn section(page: &mut String, name: &str, schema: &Value) {
    let _ = writeln!(page, "## {name}\n\n{}\n", prose(schema));
    if let Some(properties) = schema["properties"].as_object() {
        let _ = writeln!(page, "| key | value | what it is |\n|---|---|---|");
        for (key, property) in properties {
            let required = schema["required"].as_array();
            let is_required = required.is_some_and(|it| it.iter().any(|one| one == key));
            let required = if is_required { " (required)" } else { "" };
            let (form, prose) = (form(property), prose(property));
            let _ = writeln!(page, "| `{key}`{required} | {form} | {prose} |");
        }
        page.push('\n');
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let _ = writeln!(page, "| word | what it is |\n|---|---|");
        for choice in choices {
            let _ = writeln!(page, "| {} | {} |", form(choice), prose(choice));
        }
        page.push('\n');
    }
}

/// How a value looks.
fn form(schema: &Value) -> String {
    if let Some(target) = schema["$ref"].as_str() {
        let name = target.rsplit('/').next().unwrap();
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(word) = schema["const"].as_str() {
        return format!("`{word}`");
    }
    if let Some(forms) = schema["anyOf"].as_array() {
        return form(&forms[0]);
    }
    if let Some(items) = schema.get("items") {
        return format!("list of {}", form(items));
    }
    if let Some(values) = schema
        .get("additionalProperties")
        .filter(|it| it.is_object())
    {
        return format!("a name each for {}", form(values));
    }
    let kinds = &schema["type"];
    match kinds.as_str().or_else(|| kinds[0].as_str()) {
        Some("string") => "text".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        Some("integer") => "whole number".to_owned(),
        Some("number") => "number".to_owned(),
        other => panic!("no form for {other:?}: {schema}"),
    }
}

/// The description in one line, without the links of the documentation.
fn prose(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    let mut line = text.replace('\n', " ").replace('|', "\\|");
    while let Some(begin) = line.find("](") {
        let end = begin + line[begin..].find(')').unwrap();
        line.replace_range(begin..=end, "");
        let opening = line[..begin].rfind('[').unwrap();
        line.remove(opening);
    }
    line.replace("[`", "`").replace("`]", "`")
}

#[test]
fn the_committed_page_is_what_the_types_say() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../docs/reference/resilience-settings.md"
    );
    if std::env::var_os("APLOMB_WRITE").is_some() {
        std::fs::write(file, page()).unwrap();
    }
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        page() == committed,
        "make it anew: APLOMB_WRITE=1 cargo test -p resilience --lib settings::reference"
    );
}
