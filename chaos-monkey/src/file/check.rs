//! Checks a tree against the JSON schema of its kind and finds every mistake.
//!
//! It walks the part of JSON Schema that `schemars` makes of our types: references, objects with
//! and without further keys, lists, choices by a word or by a single key, ranges, patterns.

use schemars::Schema;
use serde_json::Value as Json;

use super::KeyPath;
use super::tree::{Entry, Node, Position, Value};
use crate::schema::Span;

/// The longest duration that makes sense in a game day.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

/// A mistake and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) at: Position,
    pub(super) key: KeyPath,
    pub(super) value: Option<String>,
    pub(super) message: String,
}

/// All mistakes of a document.
pub(super) fn check(schema: &Schema, document: &Node) -> Vec<Found> {
    let mut checker = Checker {
        root: schema.as_value(),
        found: Vec::new(),
    };
    checker.walk(schema.as_value(), document, &KeyPath::root());
    checker.found
}

struct Checker<'a> {
    root: &'a Json,
    found: Vec<Found>,
}

impl<'a> Checker<'a> {
    fn walk(&mut self, schema: &'a Json, node: &Node, path: &KeyPath) {
        if let Some(target) = schema.get("$ref").and_then(Json::as_str) {
            let pointer = target.trim_start_matches('#');
            if let Some(schema) = self.root.pointer(pointer) {
                self.walk(schema, node, path);
            }
            return;
        }
        if let Some(choices) = schema.get("oneOf").and_then(Json::as_array) {
            self.choice(choices, node, path);
            return;
        }
        if let Some(choices) = schema.get("anyOf").and_then(Json::as_array) {
            self.any_of(choices, node, path);
            return;
        }
        if let Some(words) = schema.get("enum").and_then(Json::as_array) {
            let words: Vec<&str> = words.iter().filter_map(Json::as_str).collect();
            self.word(&words, node, path);
            return;
        }
        if let Some(word) = schema.get("const").and_then(Json::as_str) {
            self.word(&[word], node, path);
            return;
        }
        match schema.get("type").and_then(Json::as_str) {
            Some("object") => self.object(schema, node, path),
            Some("array") => self.list(schema, node, path),
            Some("string") => self.text(schema, node, path),
            Some("integer") => self.number(schema, node, path, true),
            Some("number") => self.number(schema, node, path, false),
            Some("boolean") if !matches!(node.value, Value::Boolean(_)) => {
                self.wrong(node, path, "expected true or false");
            }
            _ => {}
        }
    }

    fn object(&mut self, schema: &'a Json, node: &Node, path: &KeyPath) {
        let Value::Map(entries) = &node.value else {
            self.wrong(
                node,
                path,
                &format!("expected keys with values{}", keys_of(schema)),
            );
            return;
        };
        let properties = schema.get("properties").and_then(Json::as_object);
        let further = schema.get("additionalProperties");
        for entry in entries {
            let inside = path.key(&entry.key);
            if let Some(schema) = properties.and_then(|known| known.get(&entry.key)) {
                self.walk(schema, &entry.node, &inside);
            } else if further == Some(&Json::Bool(false)) {
                let known = properties
                    .into_iter()
                    .flatten()
                    .map(|(key, _)| key.as_str());
                self.unknown_key(entry, known.collect(), &inside);
            } else if let Some(schema) = further {
                self.walk(schema, &entry.node, &inside);
            }
        }
        let required = schema.get("required").and_then(Json::as_array);
        for key in required.into_iter().flatten().filter_map(Json::as_str) {
            if !entries.iter().any(|entry| entry.key == key) {
                let message = format!("the key `{key}` is missing{}", purpose(schema, key));
                self.push(node.at, path, None, message);
            }
        }
    }

    fn unknown_key(&mut self, entry: &Entry, mut known: Vec<&str>, path: &KeyPath) {
        known.sort_unstable();
        let message = match nearest(&entry.key, &known) {
            Some(meant) => format!("there is no key `{}`: did you mean `{meant}`?", entry.key),
            None => format!(
                "there is no key `{}`: expected one of {}",
                entry.key,
                known.join(", ")
            ),
        };
        self.push(entry.key_at, path, None, message);
    }

    fn list(&mut self, schema: &'a Json, node: &Node, path: &KeyPath) {
        let Value::List(items) = &node.value else {
            self.wrong(node, path, "expected a list");
            return;
        };
        let least = schema.get("minItems").and_then(Json::as_u64).unwrap_or(0);
        if (items.len() as u64) < least {
            self.wrong(node, path, &format!("expected at least {least} item(s)"));
        }
        if let Some(schema) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                self.walk(schema, item, &path.index(index));
            }
        }
    }

    fn text(&mut self, schema: &'a Json, node: &Node, path: &KeyPath) {
        let Value::Text(text) = &node.value else {
            let expected = if schema
                .get("format")
                .is_some_and(|format| format == "duration")
            {
                "expected a number and a unit, as in `250ms` or `8s`"
            } else {
                "expected a text: put it in quotes"
            };
            self.wrong(node, path, expected);
            return;
        };
        if schema
            .get("format")
            .is_some_and(|format| format == "duration")
        {
            self.duration(text, node, path);
        }
        let Some(pattern) = schema.get("pattern").and_then(Json::as_str) else {
            return;
        };
        let fits = regex_lite::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text));
        if !fits {
            let expected = match pattern {
                "^/" => "expected a path that begins with `/`".to_owned(),
                _ => format!("expected what fits {pattern}"),
            };
            self.wrong(node, path, &expected);
        }
    }

    fn duration(&mut self, text: &str, node: &Node, path: &KeyPath) {
        match text.parse::<Span>() {
            Ok(span) if span.get() > LONGEST => {
                self.wrong(node, path, "is longer than a day: expected at most `24h`");
            }
            Ok(_) => {}
            Err(_) if text.starts_with('-') => {
                self.wrong(node, path, "is negative: expected a duration such as `8s`");
            }
            Err(_) => self.wrong(
                node,
                path,
                "is not a duration: expected a number and a unit, as in `250ms` or `8s`",
            ),
        }
    }

    fn number(&mut self, schema: &'a Json, node: &Node, path: &KeyPath, whole: bool) {
        let value = match node.value {
            Value::Integer(integer) => integer as f64,
            Value::Number(number) if !whole => number,
            _ => {
                let kind = if whole { "a whole number" } else { "a number" };
                self.wrong(node, path, &format!("expected {kind}{}", range(schema)));
                return;
            }
        };
        let least = schema.get("minimum").and_then(Json::as_f64);
        let most = schema.get("maximum").and_then(Json::as_f64);
        let outside = least.is_some_and(|least| value < least)
            || most.is_some_and(|most| value > most)
            || !value.is_finite();
        if outside {
            self.wrong(node, path, &format!("expected a number{}", range(schema)));
        }
    }

    /// A choice: words, or maps with a single key.
    fn choice(&mut self, choices: &'a [Json], node: &Node, path: &KeyPath) {
        let words: Vec<&str> = choices.iter().filter_map(word_of).collect();
        let keyed: Vec<(&str, &'a Json)> = choices.iter().filter_map(keyed).collect();
        match &node.value {
            Value::Text(_) if !words.is_empty() => self.word(&words, node, path),
            Value::Map(entries) if !keyed.is_empty() => {
                let names: Vec<&str> = keyed.iter().map(|(name, _)| *name).collect();
                let [entry] = entries.as_slice() else {
                    let message = format!("expected exactly one of {}", names.join(", "));
                    self.push(node.at, path, None, message);
                    return;
                };
                let inside = path.key(&entry.key);
                match keyed.iter().find(|(name, _)| *name == entry.key) {
                    Some((_, schema)) => self.walk(schema, &entry.node, &inside),
                    None => self.unknown_key(entry, names, &inside),
                }
            }
            _ => {
                let mut expected: Vec<String> =
                    words.iter().map(|word| (*word).to_owned()).collect();
                expected.extend(keyed.iter().map(|(name, _)| format!("{{{name}: …}}")));
                self.wrong(
                    node,
                    path,
                    &format!("expected one of {}", expected.join(", ")),
                );
            }
        }
    }

    /// Either of several forms: the one that is meant is told by the kind of the value.
    fn any_of(&mut self, choices: &'a [Json], node: &Node, path: &KeyPath) {
        let is_null = |schema: &Json| schema.get("type").is_some_and(|kind| kind == "null");
        if node.value == Value::Null && choices.iter().any(is_null) {
            return;
        }
        let mut forms = choices.iter().filter(|schema| !is_null(schema));
        let is_number = matches!(node.value, Value::Integer(_) | Value::Number(_));
        let numeric = |schema: &&Json| {
            let kind = schema.get("type").and_then(Json::as_str);
            matches!(kind, Some("integer" | "number"))
        };
        let meant = if is_number {
            forms.clone().find(numeric).or_else(|| forms.next())
        } else {
            forms
                .clone()
                .find(|schema| !numeric(schema))
                .or_else(|| forms.next())
        };
        if let Some(schema) = meant {
            self.walk(schema, node, path);
        }
    }

    fn word(&mut self, words: &[&str], node: &Node, path: &KeyPath) {
        let given = node.text().unwrap_or_default();
        if words.contains(&given) {
            return;
        }
        let expected = words.join(", ");
        match nearest(given, words) {
            Some(meant) => self.wrong(
                node,
                path,
                &format!("did you mean `{meant}`? expected one of {expected}"),
            ),
            None => self.wrong(node, path, &format!("expected one of {expected}")),
        }
    }

    fn wrong(&mut self, node: &Node, path: &KeyPath, expected: &str) {
        let value = shown(&node.value);
        let message = format!("`{value}` {}", joined(expected));
        self.push(node.at, path, Some(value), message);
    }

    fn push(&mut self, at: Position, key: &KeyPath, value: Option<String>, message: String) {
        self.found.push(Found {
            at,
            key: key.clone(),
            value,
            message,
        });
    }
}

/// Puts what was expected behind the value.
fn joined(expected: &str) -> String {
    if expected.starts_with("expected") || expected.starts_with("did") {
        format!("is not right here: {expected}")
    } else {
        expected.to_owned()
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

fn keys_of(schema: &Json) -> String {
    let properties = schema.get("properties").and_then(Json::as_object);
    let keys: Vec<&str> = properties
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect();
    if keys.is_empty() {
        return String::new();
    }
    format!(": {}", keys.join(", "))
}

/// What a missing key is for.
fn purpose(schema: &Json, key: &str) -> String {
    let text = schema
        .pointer(&format!("/properties/{key}/description"))
        .and_then(Json::as_str)
        .and_then(|text| text.lines().next());
    text.map_or_else(String::new, |text| {
        format!(": {}", text.trim_end_matches('.'))
    })
}

fn range(schema: &Json) -> String {
    let bound = |key: &str| schema.get(key).and_then(Json::as_f64);
    match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(least), None) => format!(" of at least {least}"),
        (None, Some(most)) => format!(" of at most {most}"),
        (None, None) => String::new(),
    }
}

/// The known word that was probably meant.
pub(super) fn nearest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |word: &str| strsim::damerau_levenshtein(given, word);
    let best = known.iter().copied().min_by_key(|word| distance(word))?;
    let limit = (given.chars().count() / 3).clamp(1, 3);
    (distance(best) <= limit).then_some(best)
}

/// A value as a person would recognise it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Integer(integer) => integer.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a map".to_owned(),
    }
}
