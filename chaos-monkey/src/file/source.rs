//! One file, for the places of mistakes.

use super::tree::Position;
use super::{KeyPath, Mistake, Place};

/// A file as it was read.
#[derive(Debug)]
pub(super) struct Source {
    /// Its place among all files.
    pub(super) order: usize,
    name: String,
    lines: Vec<String>,
}

impl Source {
    pub(super) fn new(order: usize, name: &str, text: &str) -> Self {
        Self {
            order,
            name: name.to_owned(),
            lines: text.lines().map(printable).collect(),
        }
    }

    /// A mistake at a place of this file.
    pub(super) fn mistake(
        &self,
        at: Position,
        key: KeyPath,
        value: Option<String>,
        message: String,
    ) -> Mistake {
        let line = self.lines.get(at.line.saturating_sub(1));
        Mistake {
            place: Some(Place {
                file: self.name.clone(),
                line: at.line,
                column: at.column,
                source: line.cloned().unwrap_or_default(),
            }),
            key,
            value,
            message,
        }
    }

    /// A mistake of this file as a whole.
    pub(super) fn mistake_of_all(&self, message: String) -> Mistake {
        Mistake::of_file(&self.name, message)
    }

    /// A place for people: `FILE:LINE`.
    pub(super) fn line(&self, at: Position) -> String {
        format!("{}:{}", self.name, at.line)
    }
}

/// A line that does nothing to a terminal.
fn printable(line: &str) -> String {
    let keep = |character: &char| *character == '\t' || !character.is_control();
    let kept = line.chars().map(|character| {
        if keep(&character) {
            character
        } else {
            char::REPLACEMENT_CHARACTER
        }
    });
    kept.collect()
}
