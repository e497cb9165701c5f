//! Choices: one of several words, one of several keys, one of several forms.

use serde_json::Value as Json;

use super::{Checker, allows_null, kind_of};
use crate::file::KeyPath;
use crate::file::nearest::{nearest, one_of};
use crate::file::tree::{Entry, Node, Value};

impl<'schema> Checker<'schema> {
    /// A choice: words, or maps with a single key.
    pub(super) fn choice(
        &mut self,
        schema: &'schema Json,
        choices: &'schema [Json],
        node: &Node,
        path: &KeyPath,
    ) -> Node {
        let words: Vec<&str> = choices.iter().filter_map(word_of).collect();
        let keyed: Vec<(&str, &'schema Json)> = choices.iter().filter_map(keyed).collect();
        let names: Vec<&str> = keyed.iter().map(|(name, _)| *name).collect();
        match &node.value {
            Value::Text(given) if names.contains(&given.as_str()) => {
                let expected = format!("`{given}` needs a value, as in `{{{given}: …}}`");
                self.wrong_without_value(schema, node, path, &expected)
            }
            Value::Text(given) if !words.is_empty() || nearest(given, &names).is_some() => {
                let known: Vec<&str> = words.iter().chain(&names).copied().collect();
                self.word(schema, &known, node, path)
            }
            Value::Map(entries) if !keyed.is_empty() => {
                let [entry] = entries.as_slice() else {
                    let message = format!("there must be exactly one key: {}", one_of(&names));
                    return self.wrong_without_value(schema, node, path, &message);
                };
                let inside = path.key(&entry.key);
                let Some((_, chosen)) = keyed.iter().find(|(name, _)| *name == entry.key) else {
                    self.unknown_key(entry, &names, path);
                    return self.mend(schema, node, path);
                };
                Node {
                    at: node.at,
                    value: Value::Map(vec![Entry {
                        node: self.walk(chosen, &entry.node, &inside),
                        ..entry.clone()
                    }]),
                }
            }
            _ => {
                let mut expected: Vec<String> =
                    words.iter().map(|word| (*word).to_owned()).collect();
                expected.extend(names.iter().map(|name| format!("{{{name}: …}}")));
                let expected = format!("expected one of {}", expected.join(", "));
                self.wrong(schema, node, path, &expected)
            }
        }
    }

    /// Either of several forms: the one that is meant is told by the kind of the value.
    pub(super) fn any_of(&mut self, forms: &'schema [Json], node: &Node, path: &KeyPath) -> Node {
        if node.value == Value::Null && forms.iter().any(allows_null) {
            return node.clone();
        }
        let is_number = matches!(node.value, Value::Integer(_) | Value::Number(_));
        let is_numeric =
            |form: &&Json| matches!(kind_of(self.resolve(form)), Some("integer" | "number"));
        let forms = || forms.iter().filter(|form| !allows_null(form));
        let meant = forms()
            .find(|form| is_numeric(form) == is_number)
            .or_else(|| forms().next());
        match meant {
            Some(form) => self.walk(form, node, path),
            None => node.clone(),
        }
    }

    /// One of several words.
    pub(super) fn word(
        &mut self,
        schema: &'schema Json,
        words: &[&str],
        node: &Node,
        path: &KeyPath,
    ) -> Node {
        let given = node.text().unwrap_or_default();
        if words.contains(&given) {
            return node.clone();
        }
        let expected = match nearest(given, words) {
            Some(meant) if words.len() > 1 => format!("did you mean `{meant}`?"),
            _ => one_of(words),
        };
        self.wrong(schema, node, path, &expected)
    }
}

/// The word of a choice that is a word.
fn word_of(choice: &Json) -> Option<&str> {
    choice.get("const").and_then(Json::as_str)
}

/// Key and schema of a choice that is a map with a single key.
fn keyed(choice: &Json) -> Option<(&str, &Json)> {
    let properties = choice.get("properties")?.as_object()?;
    let (name, schema) = properties.iter().next()?;
    Some((name.as_str(), schema))
}
