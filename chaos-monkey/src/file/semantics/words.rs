//! The words `${…}` of a text.

use std::collections::BTreeSet;

use super::{Problem, Problems};
use crate::file::KeyPath;
use crate::file::nearest::hint;
use crate::schema::Kind;

/// The words that have a value at one place.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    words: BTreeSet<String>,
    /// Rows with fields: `${ROW.FIELD}`, whatever the field.
    rows: BTreeSet<String>,
    /// Where it comes from which words there are.
    sources: Vec<(Kind, KeyPath)>,
}

impl Known {
    pub(super) fn of(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            words: words.into_iter().map(Into::into).collect(),
            rows: BTreeSet::new(),
            sources: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, word: impl Into<String>) {
        self.words.insert(word.into());
    }

    pub(super) fn add_row(&mut self, row: impl Into<String>) {
        self.rows.insert(row.into());
    }

    /// Says where it comes from which words there are.
    pub(super) fn depends_on(&mut self, kind: Kind, key: impl Into<KeyPath>) {
        self.sources.push((kind, key.into()));
    }

    /// What is known in both.
    pub(super) fn and(&self, other: &Self) -> Self {
        Self {
            words: self.words.intersection(&other.words).cloned().collect(),
            rows: self.rows.intersection(&other.rows).cloned().collect(),
            sources: self.sources.iter().chain(&other.sources).cloned().collect(),
        }
    }

    /// Complains of each word of a text that has no value here.
    pub(super) fn check(&self, text: &str, key: &KeyPath, problems: &mut Problems) {
        for problem in self.problems(text, key) {
            problems.push(problem);
        }
    }

    /// The words of a text that have no value here.
    fn problems(&self, text: &str, key: &KeyPath) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut rest = text;
        while let Some((_, after)) = rest.split_once("${") {
            let Some((word, after)) = after.split_once('}') else {
                let message = format!("`{text}` has no closing brace: write `${{WORD}}`");
                problems.push(Problem::new(key.clone(), message).with_value(text));
                break;
            };
            rest = after;
            if !self.knows(word) {
                problems.push(self.unknown(word, text, key));
            }
        }
        problems
    }

    fn knows(&self, word: &str) -> bool {
        let row = word.split_once('.').map(|(row, _)| row);
        self.words.contains(word) || row.is_some_and(|row| self.rows.contains(row))
    }

    fn unknown(&self, word: &str, text: &str, key: &KeyPath) -> Problem {
        // A slip in the name of a row is found whatever the field.
        let field = word.split_once('.').map_or("FIELD", |(_, field)| field);
        let rows = self.rows.iter().map(|row| format!("{row}.{field}"));
        let known: Vec<String> = self.words.iter().cloned().chain(rows).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let message = format!("`${{{word}}}` has no value here: {}", hint(word, &known));
        let problem = Problem::new(key.clone(), message).with_value(text);
        self.sources.iter().fold(problem, |problem, (kind, key)| {
            problem.given(*kind, key.clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        let mut known = Known::of(["run", "sequence"]);
        known.add_row("user");
        known
            .problems(text, &KeyPath::root())
            .into_iter()
            .map(|problem| problem.message)
            .collect()
    }

    #[test]
    fn known_words_and_plain_text_are_fine() {
        assert!(messages("${run}/$HOME/${user.name}-${sequence}").is_empty());
    }

    #[test]
    fn every_unknown_word_is_told() {
        let told = messages("${rnu} ${usr.name} ${nobody}");
        assert_eq!(told.len(), 3);
        assert!(told[0].contains("did you mean `run`?"), "{told:?}");
        assert!(told[1].contains("did you mean `user.name`?"), "{told:?}");
        assert!(told[2].contains("expected one of"), "{told:?}");
    }

    #[test]
    fn an_open_brace_is_told() {
        assert!(messages("${run").first().unwrap().contains("closing brace"));
    }
}
