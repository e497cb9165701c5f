//! Checks a tree against the JSON schema of its kind, finds every mistake, and mends the tree.
//!
//! It walks the part of JSON Schema that `schemars` makes of our types: references, objects with
//! and without further keys, lists, choices by a word or by a single key, ranges, patterns.
//!
//! Mending puts something that fits in the place of every mistake, so that the rest can still be
//! read into its type and checked for what no schema can say: all mistakes come out at once.
//! What depends on a mended place is not reported, since nobody knows what was meant there.

mod choice;
mod object;
mod placeholder;
mod scalar;

use serde_json::Value as Json;

use super::KeyPath;
use super::tree::{Node, Position, Value};

/// A mistake and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) at: Position,
    pub(super) key: KeyPath,
    pub(super) value: Option<String>,
    pub(super) message: String,
}

/// A tree that was checked.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    /// All mistakes.
    pub(super) found: Vec<Found>,
    /// The tree with something that fits in the place of every mistake.
    pub(super) mended: Node,
    /// The places that were mended.
    pub(super) places: Vec<KeyPath>,
}

/// Checks a document.
pub(super) fn check(schema: &Json, document: &Node) -> Checked {
    let mut checker = Checker {
        root: schema,
        found: Vec::new(),
        places: Vec::new(),
    };
    let mended = checker.walk(schema, document, &KeyPath::root());
    Checked {
        found: checker.found,
        mended,
        places: checker.places,
    }
}

struct Checker<'schema> {
    root: &'schema Json,
    found: Vec<Found>,
    places: Vec<KeyPath>,
}

impl<'schema> Checker<'schema> {
    /// Checks a value and returns it mended.
    fn walk(&mut self, schema: &'schema Json, node: &Node, path: &KeyPath) -> Node {
        let schema = self.resolve(schema);
        if let Some(choices) = schema.get("oneOf").and_then(Json::as_array) {
            return self.choice(schema, choices, node, path);
        }
        if let Some(forms) = schema.get("anyOf").and_then(Json::as_array) {
            return self.any_of(forms, node, path);
        }
        if let Some(words) = words_of(schema) {
            return self.word(schema, &words, node, path);
        }
        match kind_of(schema) {
            Some("object") => self.object(schema, node, path),
            Some("array") => self.list(schema, node, path),
            Some("string") => self.text(schema, node, path),
            Some("integer") => self.number(schema, node, path, true),
            Some("number") => self.number(schema, node, path, false),
            Some("boolean") => self.boolean(schema, node, path),
            _ => node.clone(),
        }
    }

    fn list(&mut self, schema: &'schema Json, node: &Node, path: &KeyPath) -> Node {
        let Value::List(items) = &node.value else {
            return self.wrong(schema, node, path, "expected a list");
        };
        let least = schema.get("minItems").and_then(Json::as_u64).unwrap_or(0);
        if (items.len() as u64) < least {
            return self.wrong_without_value(schema, node, path, "the list is empty");
        }
        let Some(schema) = schema.get("items") else {
            return node.clone();
        };
        let items = items
            .iter()
            .enumerate()
            .map(|(index, item)| self.walk(schema, item, &path.index(index)))
            .collect();
        Node {
            at: node.at,
            value: Value::List(items),
        }
    }

    fn resolve(&self, schema: &'schema Json) -> &'schema Json {
        placeholder::resolve(self.root, schema)
    }

    /// Reports a value that is not right and puts another in its place.
    fn wrong(
        &mut self,
        schema: &'schema Json,
        node: &Node,
        path: &KeyPath,
        expected: &str,
    ) -> Node {
        let value = node.value.shown();
        let message = match node.value {
            Value::Null => format!("there is no value: {expected}"),
            Value::List(_) | Value::Map(_) => format!("this is {value}: {expected}"),
            _ => format!("`{value}` is not right here: {expected}"),
        };
        self.report(node.at, path, Some(value), message);
        self.mend(schema, node, path)
    }

    /// The same, where the message says all.
    fn wrong_without_value(
        &mut self,
        schema: &'schema Json,
        node: &Node,
        path: &KeyPath,
        message: &str,
    ) -> Node {
        self.report(node.at, path, None, message.to_owned());
        self.mend(schema, node, path)
    }

    fn mend(&mut self, schema: &'schema Json, node: &Node, path: &KeyPath) -> Node {
        self.places.push(path.clone());
        placeholder::of(self.root, schema, node.at)
    }

    fn report(&mut self, at: Position, key: &KeyPath, value: Option<String>, message: String) {
        self.found.push(Found {
            at,
            key: key.clone(),
            value,
            message,
        });
    }
}

/// The only type of a schema, apart from null.
fn kind_of(schema: &Json) -> Option<&str> {
    let kind = schema.get("type")?;
    kind.as_str().or_else(|| {
        let kinds = kind.as_array()?.iter().filter_map(Json::as_str);
        kinds.into_iter().find(|kind| *kind != "null")
    })
}

/// Whether a schema lets a value be left empty.
fn allows_null(schema: &Json) -> bool {
    match schema.get("type") {
        Some(Json::Array(kinds)) => kinds.iter().any(|kind| kind == "null"),
        Some(kind) => kind == "null",
        None => false,
    }
}

/// The words of a schema that is nothing but words.
fn words_of(schema: &Json) -> Option<Vec<&str>> {
    if let Some(word) = schema.get("const").and_then(Json::as_str) {
        return Some(vec![word]);
    }
    let words = schema.get("enum")?.as_array()?;
    Some(words.iter().filter_map(Json::as_str).collect())
}

#[cfg(test)]
mod tests;
