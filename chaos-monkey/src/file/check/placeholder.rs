//! Something that fits a schema, to put in the place of a mistake.

use serde_json::Value as Json;

use super::{allows_null, kind_of, words_of};
use crate::file::tree::{Entry, Node, Position, Value};

/// How many references may lead from one to the next.
const LONGEST_CHAIN: usize = 16;

/// The schema that a reference stands for. What stands beside a reference (a default, a
/// description) is no rule for values.
pub(super) fn resolve<'schema>(root: &'schema Json, schema: &'schema Json) -> &'schema Json {
    let mut schema = schema;
    for _ in 0..LONGEST_CHAIN {
        let reference = schema.get("$ref").and_then(Json::as_str);
        let target =
            reference.and_then(|reference| root.pointer(reference.trim_start_matches('#')));
        match target {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

/// The smallest value that fits.
pub(super) fn of(root: &Json, schema: &Json, at: Position) -> Node {
    let schema = resolve(root, schema);
    Node {
        at,
        value: value(root, schema, at),
    }
}

fn value(root: &Json, schema: &Json, at: Position) -> Value {
    if allows_null(schema) {
        return Value::Null;
    }
    if let Some(word) = words_of(schema).and_then(|words| words.first().copied()) {
        return Value::Text(word.to_owned());
    }
    for key in ["oneOf", "anyOf"] {
        let first = schema.get(key).and_then(|choices| choices.get(0));
        if let Some(first) = first {
            return of(root, first, at).value;
        }
    }
    let least = || schema.get("minimum").and_then(Json::as_f64).unwrap_or(0.0);
    match kind_of(schema) {
        Some("object") => Value::Map(required(root, schema, at)),
        Some("array") => Value::List(items(root, schema, at)),
        Some("integer") => Value::Integer(least() as i64),
        Some("number") => Value::Number(least()),
        Some("boolean") => Value::Boolean(false),
        Some("string") if schema.get("format").is_some_and(|form| form == "duration") => {
            Value::Text("1s".to_owned())
        }
        Some("string") => Value::Text(String::new()),
        _ => Value::Null,
    }
}

fn required(root: &Json, schema: &Json, at: Position) -> Vec<Entry> {
    let required = schema.get("required").and_then(Json::as_array);
    required
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .filter_map(|key| {
            let property = schema.pointer(&format!("/properties/{key}"))?;
            Some(Entry {
                key: key.to_owned(),
                key_at: at,
                node: of(root, property, at),
            })
        })
        .collect()
}

fn items(root: &Json, schema: &Json, at: Position) -> Vec<Node> {
    let least = schema.get("minItems").and_then(Json::as_u64).unwrap_or(0);
    (0..least)
        .filter_map(|_| schema.get("items"))
        .map(|item| of(root, item, at))
        .collect()
}
