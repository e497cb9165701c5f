//! The reference page of a kind, made from its JSON schema, so that it cannot lag behind.

use std::fmt::Write;

use serde_json::Value;

use super::{API_VERSION, Kind, json_schema};

/// The reference page of a kind, in Markdown.
pub fn page(kind: Kind) -> String {
    let schema = json_schema(kind);
    let root = schema.as_value();
    let mut page = format!(
        "# {name}\n\n{about}\n\nMade from the types by `chaos-monkey schema --kind {name} --output \
         markdown`; `apiVersion` is `{API_VERSION}`.\n\n",
        name = kind.as_str(),
        about = text(root, "description"),
    );
    section(&mut page, kind.as_str(), root);
    let definitions = root.get("$defs").and_then(Value::as_object);
    for (name, definition) in definitions.into_iter().flatten() {
        section(&mut page, name, definition);
    }
    page
}

fn section(page: &mut String, name: &str, schema: &Value) {
    // Writing to a string cannot fail.
    let _ = writeln!(page, "## {name}\n\n{}\n", text(schema, "description"));
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        let _ = writeln!(page, "| key | value | what it is |\n|---|---|---|");
        for (key, property) in properties {
            let required = schema
                .get("required")
                .and_then(Value::as_array)
                .is_some_and(|required| required.iter().any(|one| one == key));
            let _ = writeln!(
                page,
                "| `{key}`{} | {} | {} |",
                if required { " (required)" } else { "" },
                form(property),
                cell(property),
            );
        }
        page.push('\n');
    }
    let choices = schema.get("oneOf").or_else(|| schema.get("anyOf"));
    if let Some(choices) = choices.and_then(Value::as_array) {
        let _ = writeln!(page, "| choice | what it is |\n|---|---|");
        for choice in choices {
            let _ = writeln!(page, "| {} | {} |", form(choice), cell(choice));
        }
        page.push('\n');
    }
}

/// How a value looks.
fn form(schema: &Value) -> String {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let name = target.rsplit('/').next().unwrap_or(target);
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(word) = schema.get("const").and_then(Value::as_str) {
        return format!("`{word}`");
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let words: Vec<String> = words
            .iter()
            .filter_map(Value::as_str)
            .map(|word| format!("`{word}`"))
            .collect();
        return words.join(", ");
    }
    if let Some(forms) = schema.get("anyOf").and_then(Value::as_array) {
        let is_null = |form: &&Value| form.get("type").is_none_or(|kind| kind != "null");
        let forms: Vec<String> = forms.iter().filter(is_null).map(form).collect();
        return forms.join(" or ");
    }
    let kind = schema.get("type");
    let word = kind.and_then(Value::as_str).or_else(|| {
        let kinds = kind?.as_array()?;
        kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null")
    });
    match word {
        Some("array") => format!(
            "list of {}",
            schema.get("items").map_or_else(String::new, form)
        ),
        Some("object") => match schema.get("properties").and_then(Value::as_object) {
            Some(properties) => {
                let keys: Vec<String> = properties
                    .iter()
                    .map(|(key, value)| format!("`{key}`: {}", form(value)))
                    .collect();
                keys.join(", ")
            }
            None => format!(
                "map to {}",
                schema
                    .get("additionalProperties")
                    .map_or_else(String::new, form)
            ),
        },
        Some("string") => "text".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        Some("integer") => format!("whole number{}", range(schema)),
        Some("number") => format!("number{}", range(schema)),
        _ => "anything".to_owned(),
    }
}

fn range(schema: &Value) -> String {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) => format!(", at least {least}"),
        (None, Some(most)) => format!(", at most {most}"),
        (None, None) => String::new(),
    }
}

/// Description and default, in one line.
fn cell(schema: &Value) -> String {
    let mut cell = text(schema, "description").replace('\n', " ");
    match schema.get("default") {
        None | Some(Value::Null) => {}
        Some(Value::String(default)) => {
            let _ = write!(cell, " Default: `{default}`.");
        }
        Some(default) => {
            let _ = write!(cell, " Default: `{default}`.");
        }
    }
    cell.replace('|', "\\|")
}

fn text<'a>(schema: &'a Value, key: &str) -> &'a str {
    schema.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_pages_are_what_the_types_say() {
        for (kind, file) in [
            (
                Kind::System,
                include_str!("../../../docs/reference/system.md"),
            ),
            (
                Kind::GameDay,
                include_str!("../../../docs/reference/game-day.md"),
            ),
            (
                Kind::Agent,
                include_str!("../../../docs/reference/agent.md"),
            ),
        ] {
            assert!(
                page(kind) == file,
                "make it anew: chaos-monkey schema --kind {} --output markdown",
                kind.as_str()
            );
        }
    }
}
