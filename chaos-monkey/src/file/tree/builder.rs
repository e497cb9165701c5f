//! Makes trees of the events of a YAML parser.

use std::collections::BTreeMap;

use saphyr::Scalar;
use saphyr_parser::{Event, Parser, Span, Tag};

use super::{Entry, Node, Position, Value};
use crate::file::KeyPath;

/// How many values a file may have once its aliases are written out: far more than a person
/// writes, far less than what a few nested aliases could make of a small file.
const MAXIMUM_VALUES: usize = 100_000;

/// How deep lists and maps may lie in each other.
const MAXIMUM_DEPTH: usize = 64;

/// What was found in a text.
#[derive(Debug, Default)]
pub(in crate::file) struct Parsed {
    /// The documents that are whole.
    pub(in crate::file) documents: Vec<Node>,
    /// What is not right about the text.
    pub(in crate::file) errors: Vec<TreeError>,
    /// Whether the rest of the text could not be read.
    pub(in crate::file) broken_off: bool,
}

/// Something that is not right about a text, whatever it is meant to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::file) struct TreeError {
    pub(in crate::file) at: Position,
    pub(in crate::file) key: KeyPath,
    pub(in crate::file) message: String,
}

/// Reads the documents of a text, as far as it can be read.
pub(in crate::file) fn parse(text: &str) -> Parsed {
    let mut builder = Builder::default();
    // Editors on some systems begin every file with this mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for event in Parser::new_from_str(text) {
        let read = match event {
            Ok((event, span)) => builder.take(event, position(&span)),
            Err(error) => Err((
                Position {
                    line: error.marker().line(),
                    column: error.marker().col() + 1,
                },
                format!("this is not YAML: {}", error.info()),
            )),
        };
        if let Err((at, message)) = read {
            builder.complain(at, message);
            builder.parsed.broken_off = true;
            break;
        }
    }
    builder.parsed
}

fn position(span: &Span) -> Position {
    Position {
        line: span.start.line(),
        column: span.start.col() + 1,
    }
}

/// Where and why the rest cannot be read.
type BrokenOff = (Position, String);

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
        key: Option<(String, Position)>,
    },
}

#[derive(Default)]
struct Builder {
    parsed: Parsed,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    values: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, at: Position) -> Result<(), BrokenOff> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_unknown_tag(tag.as_deref(), at);
                if self.expects_key() {
                    self.key(text.into_owned(), at);
                    return Ok(());
                }
                let scalar = Scalar::parse_from_cow_and_metadata(text, style, tag.as_ref());
                let value = self.scalar(scalar, at);
                self.close(Node { at, value }, anchor, 1)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_unknown_tag(tag.as_deref(), at);
                let kind = OpenKind::List(Vec::new());
                self.begin(Open { at, anchor, kind })
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_unknown_tag(tag.as_deref(), at);
                let kind = OpenKind::Map {
                    entries: Vec::new(),
                    key: None,
                };
                self.begin(Open { at, anchor, kind })
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else {
                    return Ok(());
                };
                let value = match open.kind {
                    OpenKind::List(items) => Value::List(items),
                    OpenKind::Map { entries, .. } => Value::Map(entries),
                };
                self.close(Node { at: open.at, value }, open.anchor, 1)
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err((at, "this alias has no anchor".to_owned()));
                };
                if self.expects_key() {
                    return Err((at, "a key must be a word".to_owned()));
                }
                let (node, size) = (node.clone(), node.size());
                self.close(node, 0, size)
            }
            Event::DocumentEnd => {
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn scalar(&mut self, scalar: Option<Scalar<'_>>, at: Position) -> Value {
        match scalar {
            Some(Scalar::Null) => Value::Null,
            Some(Scalar::Boolean(boolean)) => Value::Boolean(boolean),
            Some(Scalar::Integer(integer)) => Value::Integer(integer),
            Some(Scalar::FloatingPoint(number)) if number.is_finite() => {
                Value::Number(number.into_inner())
            }
            Some(Scalar::FloatingPoint(number)) => {
                self.complain(at, format!("`{number}` is no number to work with"));
                Value::Null
            }
            Some(Scalar::String(text)) => Value::Text(text.into_owned()),
            None => {
                self.complain(at, "this value does not fit its tag".to_owned());
                Value::Null
            }
        }
    }

    fn refuse_unknown_tag(&mut self, tag: Option<&Tag>, at: Position) {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema() && tag.suffix != "!") {
            let message = format!("the tag `{tag}` means nothing here: leave it out");
            self.complain(at, message);
        }
    }

    fn begin(&mut self, open: Open) -> Result<(), BrokenOff> {
        if self.open.len() >= MAXIMUM_DEPTH {
            let message = format!("more than {MAXIMUM_DEPTH} lists and maps lie in each other");
            return Err((open.at, message));
        }
        self.open.push(open);
        Ok(())
    }

    fn expects_key(&self) -> bool {
        let kind = self.open.last().map(|open| &open.kind);
        matches!(kind, Some(OpenKind::Map { key: None, .. }))
    }

    /// Takes the key of the value that comes next.
    fn key(&mut self, name: String, at: Position) {
        if let Some(Open {
            kind: OpenKind::Map { key, .. },
            ..
        }) = self.open.last_mut()
        {
            *key = Some((name, at));
        }
    }

    /// Puts a complete value where it belongs.
    fn close(&mut self, node: Node, anchor: usize, size: usize) -> Result<(), BrokenOff> {
        self.values += size;
        if self.values > MAXIMUM_VALUES {
            let message = "the file has too many values: use fewer aliases".to_owned();
            return Err((node.at, message));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let key = self.path();
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => self.parsed.documents.push(node),
            Some(OpenKind::List(items)) => items.push(node),
            Some(OpenKind::Map {
                entries,
                key: coming,
            }) => {
                let Some((name, key_at)) = coming.take() else {
                    return Err((node.at, "a key must be a word".to_owned()));
                };
                let Some(earlier) = entries.iter().find(|entry| entry.key == name) else {
                    entries.push(Entry {
                        key: name,
                        key_at,
                        node,
                    });
                    return Ok(());
                };
                let message = format!(
                    "the key `{name}` stands here already, on line {}: keep one",
                    earlier.key_at.line
                );
                self.parsed.errors.push(TreeError {
                    at: key_at,
                    key,
                    message,
                });
            }
        }
        Ok(())
    }

    fn complain(&mut self, at: Position, message: String) {
        let key = self.path();
        self.parsed.errors.push(TreeError { at, key, message });
    }

    /// The way to the value that is being read.
    fn path(&self) -> KeyPath {
        self.open
            .iter()
            .fold(KeyPath::root(), |path, open| match &open.kind {
                OpenKind::List(items) => path.index(items.len()),
                OpenKind::Map {
                    key: Some((name, _)),
                    ..
                } => path.key(name),
                OpenKind::Map { key: None, .. } => path,
            })
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn documents(text: &str) -> Vec<Node> {
        let parsed = parse(text);
        assert_eq!(parsed.errors, []);
        parsed.documents
    }

    fn errors(text: &str) -> Vec<(usize, String, String)> {
        parse(text)
            .errors
            .into_iter()
            .map(|error| (error.at.line, error.key.to_string(), error.message))
            .collect()
    }

    #[test]
    fn values_know_where_they_stand() {
        let documents = documents("a: 1\nb:\n  - x\n  - {c: 2.5}\n---\nd: ~\n");
        assert_eq!(documents.len(), 2);
        let list = documents[0].get("b").unwrap();
        let inner = list.item(1).unwrap().get("c").unwrap();
        assert_eq!(inner.value, Value::Number(2.5));
        assert_eq!((inner.at.line, inner.at.column), (4, 9));
        assert_eq!(documents[1].get("d").unwrap().value, Value::Null);
    }

    #[test]
    fn keys_are_words_whatever_they_look_like() {
        let documents = documents("true: 1\n8080: 2\nnull: 3\n");
        for key in ["true", "8080", "null"] {
            assert!(documents[0].get(key).is_some(), "{key}");
        }
    }

    #[test]
    fn aliases_are_written_out() {
        let documents = documents("a: &x {b: 1}\nc: *x\n");
        let inner = documents[0].get("c").unwrap().get("b").unwrap();
        assert_eq!(inner.value, Value::Integer(1));
        assert_eq!(inner.at.line, 1);
    }

    #[test]
    fn bombs_of_aliases_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let items = vec![format!("*a{}", level - 1); 10].join(", ");
            writeln!(bomb, "a{level}: &a{level} [{items}]").unwrap();
        }
        let found = errors(&bomb);
        assert_eq!(found.len(), 1);
        assert!(found[0].2.contains("too many values"), "{found:?}");
    }

    #[test]
    fn bottomless_files_are_refused() {
        let found = errors(&"[".repeat(80));
        assert!(found[0].2.contains("lie in each other"), "{found:?}");
        assert_eq!(errors(&"[".repeat(100_000)).len(), 1);
    }

    #[test]
    fn every_key_that_stands_twice_is_told() {
        let found = errors("a: 1\nb:\n  - c: 1\n    c: 2\na: 3\na: 4\n");
        let places: Vec<(usize, &str)> = found
            .iter()
            .map(|(line, key, _)| (*line, key.as_str()))
            .collect();
        assert_eq!(places, [(4, "b[0].c"), (5, "a"), (6, "a")]);
        assert!(found[1].2.contains("on line 1"), "{found:?}");
    }

    #[test]
    fn what_stands_before_broken_yaml_is_kept() {
        let parsed = parse("a: 1\n---\nb: [1, 2\n");
        assert_eq!(parsed.documents.len(), 1);
        assert!(parsed.broken_off);
        assert_eq!(parsed.errors.len(), 1);
        assert!(parsed.errors[0].at.line >= 3);
    }

    #[test]
    fn odd_values_are_told_with_their_keys() {
        let found = errors("a: .inf\nb: !secret x\nc: !!int word\n");
        let places: Vec<(usize, &str)> = found
            .iter()
            .map(|(line, key, _)| (*line, key.as_str()))
            .collect();
        assert_eq!(places, [(1, "a"), (2, "b"), (3, "c")]);
    }
}
