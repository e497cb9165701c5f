//! A YAML file as a tree that knows where everything stands.

mod builder;
mod deserialize;

pub(super) use builder::parse;

use super::mistake::{KeyPath, Segment};

/// A place in a file: line and column, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) at: Position,
    pub(super) value: Value,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_at: Position,
    pub(super) node: Node,
}

impl Node {
    /// The tree of a resource that was built in code; everything stands nowhere.
    pub(super) fn from_json(json: &serde_json::Value) -> Self {
        let value = match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(boolean) => Value::Boolean(*boolean),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(integer) => Value::Integer(integer),
                None => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => Value::Text(text.clone()),
            serde_json::Value::Array(items) => {
                Value::List(items.iter().map(Self::from_json).collect())
            }
            serde_json::Value::Object(entries) => Value::Map(
                entries
                    .iter()
                    .map(|(key, value)| Entry {
                        key: key.clone(),
                        key_at: Position::default(),
                        node: Self::from_json(value),
                    })
                    .collect(),
            ),
        };
        Self {
            at: Position::default(),
            value,
        }
    }

    /// The value of a key of a map.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Value::Map(entries) = &self.value else {
            return None;
        };
        entries
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.node)
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Where the value of a key stands, or the nearest that there is around it.
    pub(super) fn position(&self, key: &KeyPath) -> Position {
        self.way(key.segments()).0.at
    }

    /// Where a key itself stands, or the nearest that there is around it.
    pub(super) fn position_of_key(&self, key: &KeyPath) -> Position {
        let Some((Segment::Key(last), before)) = key.segments().split_last() else {
            return self.position(key);
        };
        match self.way(before) {
            (
                Self {
                    value: Value::Map(entries),
                    ..
                },
                true,
            ) => entries
                .iter()
                .find(|entry| entry.key == *last)
                .map_or_else(|| self.position(key), |entry| entry.key_at),
            (nearest, _) => nearest.at,
        }
    }

    /// The value at the end of a way, or the last there is on it, and whether it is the end.
    fn way(&self, segments: &[Segment]) -> (&Self, bool) {
        let mut node = self;
        for segment in segments {
            let next = match segment {
                Segment::Key(key) => node.get(key),
                Segment::Index(index) => node.item(*index),
            };
            match next {
                Some(next) => node = next,
                None => return (node, false),
            }
        }
        (node, true)
    }

    fn item(&self, index: usize) -> Option<&Self> {
        match &self.value {
            Value::List(items) => items.get(index),
            _ => None,
        }
    }

    /// How many values it is made of.
    fn size(&self) -> usize {
        let inside: usize = match &self.value {
            Value::List(items) => items.iter().map(Self::size).sum(),
            Value::Map(entries) => entries.iter().map(|entry| entry.node.size()).sum(),
            _ => 0,
        };
        inside + 1
    }
}

impl Value {
    /// The value as a person would recognise it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Boolean(boolean) => boolean.to_string(),
            Self::Integer(integer) => integer.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => shortened(text),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a map".to_owned(),
        }
    }
}

/// A text in one line that fits into a message and does nothing to a terminal.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown: String = text
        .chars()
        .take(LONGEST)
        .map(|character| {
            if character.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                character
            }
        })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}
