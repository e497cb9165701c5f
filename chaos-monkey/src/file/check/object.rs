//! Maps: with keys that are known, or with names of the author's own.

use serde_json::Value as Json;

use super::{Checker, placeholder};
use crate::file::KeyPath;
use crate::file::nearest::{nearest, one_of};
use crate::file::tree::{Entry, Node, Value};

impl<'schema> Checker<'schema> {
    pub(super) fn object(&mut self, schema: &'schema Json, node: &Node, path: &KeyPath) -> Node {
        let Value::Map(entries) = &node.value else {
            let expected = match keys_of(schema).as_slice() {
                [] => "expected names with values".to_owned(),
                keys => format!("expected a map with the keys {}", keys.join(", ")),
            };
            return self.wrong(schema, node, path, &expected);
        };
        let fewest = schema.get("minProperties").and_then(Json::as_u64);
        if (entries.len() as u64) < fewest.unwrap_or(0) {
            return self.wrong_without_value(schema, node, path, "there must be at least one");
        }
        let properties = schema.get("properties").and_then(Json::as_object);
        let further = schema.get("additionalProperties");
        let mut mended = Vec::new();
        for entry in entries {
            let inside = path.key(&entry.key);
            let known = properties.and_then(|known| known.get(&entry.key));
            if let Some(schema) = known.or_else(|| further.filter(|further| further.is_object())) {
                mended.push(Entry {
                    node: self.walk(schema, &entry.node, &inside),
                    ..entry.clone()
                });
            } else if further == Some(&Json::Bool(false)) {
                self.unknown_key(entry, &keys_of(schema), path);
            } else {
                mended.push(entry.clone());
            }
        }
        self.missing_keys(schema, node, entries, path, &mut mended);
        Node {
            at: node.at,
            value: Value::Map(mended),
        }
    }

    pub(super) fn unknown_key(&mut self, entry: &Entry, known: &[&str], parent: &KeyPath) {
        let hint = match nearest(&entry.key, known) {
            Some(meant) => {
                self.places.push(parent.key(meant));
                format!("did you mean `{meant}`?")
            }
            None => one_of(known),
        };
        let message = format!("there is no key `{}`: {hint}", entry.key);
        let path = parent.key(&entry.key);
        self.report(entry.key_at, &path, None, message);
        self.places.push(path);
    }

    fn missing_keys(
        &mut self,
        schema: &'schema Json,
        node: &Node,
        entries: &[Entry],
        path: &KeyPath,
        mended: &mut Vec<Entry>,
    ) {
        let required = schema.get("required").and_then(Json::as_array);
        let known = keys_of(schema);
        for key in required.into_iter().flatten().filter_map(Json::as_str) {
            if entries.iter().any(|entry| entry.key == key) {
                continue;
            }
            // A key that is merely misspelt is one mistake, not two.
            let misspelt = entries.iter().any(|entry| {
                !known.contains(&entry.key.as_str()) && nearest(&entry.key, &known) == Some(key)
            });
            if !misspelt {
                let message = format!("the key `{key}` is missing{}", purpose(schema, key));
                self.report(node.at, path, None, message);
            }
            self.places.push(path.key(key));
            let Some(property) = schema.pointer(&format!("/properties/{key}")) else {
                continue;
            };
            mended.push(Entry {
                key: key.to_owned(),
                key_at: node.at,
                node: placeholder::of(self.root, property, node.at),
            });
        }
    }
}

fn keys_of(schema: &Json) -> Vec<&str> {
    let properties = schema.get("properties").and_then(Json::as_object);
    let mut keys: Vec<&str> = properties
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect();
    keys.sort_unstable();
    keys
}

/// What a missing key is for.
fn purpose(schema: &Json, key: &str) -> String {
    let text = schema
        .pointer(&format!("/properties/{key}/description"))
        .and_then(Json::as_str)
        .and_then(|text| text.split(['\n', ':']).next());
    text.map_or_else(String::new, |text| {
        format!(": {}", text.trim_end_matches('.'))
    })
}
