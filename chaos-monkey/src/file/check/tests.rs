use std::collections::BTreeSet;

use serde::Deserialize;

use super::*;
use crate::file::tree::{Entry, parse};
use crate::schema::{Agent, GameDay, Kind, System, json_schema};

const SHOP: &str = include_str!("../../../tests/files/shop.yaml");
const AGENT: &str = include_str!("../../../tests/files/agent.yaml");

fn is_readable(kind: Kind, mended: &Node) -> bool {
    match kind {
        Kind::System => System::deserialize(mended).is_ok(),
        Kind::GameDay => GameDay::deserialize(mended).is_ok(),
        Kind::Agent => Agent::deserialize(mended).is_ok(),
    }
}

/// All trees that come of putting `value` in the place of one value of `node`.
fn variants(node: &Node, value: &Value) -> Vec<Node> {
    let with = |value| Node { at: node.at, value };
    let mut all = vec![with(value.clone())];
    match &node.value {
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                for variant in variants(item, value) {
                    let mut items = items.clone();
                    items[index] = variant;
                    all.push(with(Value::List(items)));
                }
            }
        }
        Value::Map(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                for node in variants(&entry.node, value) {
                    let mut entries = entries.clone();
                    entries[index] = Entry {
                        node,
                        ..entry.clone()
                    };
                    all.push(with(Value::Map(entries)));
                }
            }
        }
        _ => {}
    }
    all
}

/// The schema is made from the types, and what fits the schema can be read into the types.
#[test]
fn whatever_is_put_where_the_mended_tree_can_be_read() {
    let oddities = [
        Value::Null,
        Value::Boolean(true),
        Value::Integer(-1),
        Value::Number(0.5),
        Value::Text("odd one".to_owned()),
        Value::List(Vec::new()),
        Value::Map(Vec::new()),
    ];
    let documents = [SHOP, AGENT].map(|text| parse(text).documents).concat();
    for (kind, document) in Kind::ALL.into_iter().zip(documents) {
        let schema = json_schema(kind);
        for oddity in &oddities {
            for variant in variants(&document, oddity) {
                let checked = check(schema.as_value(), &variant);
                assert!(
                    is_readable(kind, &checked.mended),
                    "{oddity:?}: {:?}",
                    checked.found
                );
                if checked.found.is_empty() {
                    assert_eq!(checked.mended, variant);
                }
            }
        }
    }
}

/// What the walk does not know it would let through.
#[test]
fn the_schemas_use_nothing_that_the_walk_does_not_know() {
    const KNOWN: [&str; 23] = [
        "$defs",
        "$ref",
        "$schema",
        "additionalProperties",
        "anyOf",
        "const",
        "default",
        "description",
        "enum",
        "examples",
        "format",
        "items",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "oneOf",
        "pattern",
        "properties",
        "required",
        "title",
        "type",
    ];
    fn collect(schema: &Json, words: &mut BTreeSet<String>) {
        let Json::Object(entries) = schema else {
            return;
        };
        for (word, value) in entries {
            words.insert(word.clone());
            match (word.as_str(), value) {
                ("properties" | "$defs", Json::Object(schemas)) => {
                    for schema in schemas.values() {
                        collect(schema, words);
                    }
                }
                ("oneOf" | "anyOf", Json::Array(schemas)) => {
                    for schema in schemas {
                        collect(schema, words);
                    }
                }
                ("items" | "additionalProperties", schema) => collect(schema, words),
                _ => {}
            }
        }
    }
    let mut words = BTreeSet::new();
    for kind in Kind::ALL {
        collect(json_schema(kind).as_value(), &mut words);
    }
    let unknown: Vec<&String> = words
        .iter()
        .filter(|word| !KNOWN.contains(&word.as_str()))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    for deep in ["pattern", "minItems", "minProperties", "oneOf", "maximum"] {
        assert!(words.contains(deep), "{deep} is not seen");
    }
}
