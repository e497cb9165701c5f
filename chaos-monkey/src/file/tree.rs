//! A YAML file as a tree that knows where everything stands.

use std::collections::{BTreeMap, BTreeSet};

use saphyr::Scalar;
use saphyr_parser::{Event, Parser, Span};

/// A place in a file: line and column, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

/// Why a text is not such a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TreeError {
    pub(super) at: Position,
    pub(super) message: String,
}

/// How many values a file may have once its aliases are written out: far more than a person
/// writes, far less than what a few nested aliases could make of a small file.
const MAXIMUM_VALUES: usize = 100_000;

impl Node {
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

    /// The item of a list.
    pub(super) fn item(&self, index: usize) -> Option<&Self> {
        match &self.value {
            Value::List(items) => items.get(index),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value without its places.
    pub(super) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Boolean(boolean) => (*boolean).into(),
            Value::Integer(integer) => (*integer).into(),
            Value::Number(number) => (*number).into(),
            Value::Text(text) => text.clone().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.node.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    fn size(&self) -> usize {
        1 + match &self.value {
            Value::List(items) => items.iter().map(Self::size).sum(),
            Value::Map(entries) => entries.iter().map(|entry| entry.node.size()).sum(),
            _ => 0,
        }
    }
}

/// The documents of a text.
pub(super) fn parse(text: &str) -> Result<Vec<Node>, TreeError> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| TreeError {
            at: Position {
                line: error.marker().line(),
                column: error.marker().col() + 1,
            },
            message: format!("this is not YAML: {}", error.info()),
        })?;
        builder.take(event, position(&span))?;
    }
    Ok(builder.documents)
}

fn position(span: &Span) -> Position {
    Position {
        line: span.start.line(),
        column: span.start.col() + 1,
    }
}

/// A list or map that is not complete yet.
struct Open {
    at: Position,
    anchor: usize,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        keys: BTreeSet<String>,
        key: Option<(String, Position)>,
    },
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    values: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, at: Position) -> Result<(), TreeError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let scalar = Scalar::parse_from_cow_and_metadata(text, style, tag.as_ref());
                let value = match scalar {
                    Some(Scalar::Null) => Value::Null,
                    Some(Scalar::Boolean(boolean)) => Value::Boolean(boolean),
                    Some(Scalar::Integer(integer)) => Value::Integer(integer),
                    Some(Scalar::FloatingPoint(number)) => Value::Number(number.into_inner()),
                    Some(Scalar::String(text)) => Value::Text(text.into_owned()),
                    None => return Err(error(at, "this value does not fit its tag")),
                };
                self.close(Node { at, value }, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                let kind = OpenKind::List(Vec::new());
                self.open.push(Open { at, anchor, kind });
                Ok(())
            }
            Event::MappingStart(anchor, _) => {
                let kind = OpenKind::Map {
                    entries: Vec::new(),
                    keys: BTreeSet::new(),
                    key: None,
                };
                self.open.push(Open { at, anchor, kind });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else {
                    return Ok(());
                };
                let value = match open.kind {
                    OpenKind::List(items) => Value::List(items),
                    OpenKind::Map { entries, .. } => Value::Map(entries),
                };
                let node = Node { at: open.at, value };
                self.close(node, open.anchor)
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(error(at, "this alias has no anchor"));
                };
                self.close(node.clone(), 0)
            }
            _ => Ok(()),
        }
    }

    /// Puts a complete value where it belongs.
    fn close(&mut self, node: Node, anchor: usize) -> Result<(), TreeError> {
        self.values += node.size();
        if self.values > MAXIMUM_VALUES {
            return Err(error(
                node.at,
                "the file has too many values: use fewer aliases",
            ));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(parent) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        match &mut parent.kind {
            OpenKind::List(items) => items.push(node),
            OpenKind::Map { entries, keys, key } => {
                let Some((name, key_at)) = key.take() else {
                    let at = node.at;
                    let name = match node.value {
                        Value::Text(name) => name,
                        Value::Integer(number) => number.to_string(),
                        _ => return Err(error(at, "a key must be a word")),
                    };
                    if !keys.insert(name.clone()) {
                        return Err(error(at, &format!("the key `{name}` stands here twice")));
                    }
                    *key = Some((name, at));
                    return Ok(());
                };
                entries.push(Entry {
                    key: name,
                    key_at,
                    node,
                });
            }
        }
        Ok(())
    }
}

fn error(at: Position, message: &str) -> TreeError {
    TreeError {
        at,
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn values_know_where_they_stand() {
        let documents = parse("a: 1\nb:\n  - x\n  - {c: 2.5}\n---\nd: ~\n").unwrap();
        assert_eq!(documents.len(), 2);
        let list = documents[0].get("b").unwrap();
        let inner = list.item(1).unwrap().get("c").unwrap();
        assert_eq!(inner.value, Value::Number(2.5));
        assert_eq!((inner.at.line, inner.at.column), (4, 9));
        assert_eq!(documents[1].get("d").unwrap().value, Value::Null);
    }

    #[test]
    fn aliases_are_written_out_and_bombs_are_refused() {
        let documents = parse("a: &x {b: 1}\nc: *x\n").unwrap();
        assert_eq!(documents[0].to_json()["c"]["b"], 1);
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let before = format!("*a{}", level - 1);
            let items = vec![before; 10].join(", ");
            writeln!(bomb, "a{level}: &a{level} [{items}]").unwrap();
        }
        assert!(parse(&bomb).unwrap_err().message.contains("too many"));
    }

    #[test]
    fn a_key_twice_and_broken_yaml_are_errors_with_a_place() {
        let twice = parse("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!(twice.at.line, 3);
        assert!(parse("a: [1, 2\n").is_err());
    }
}
