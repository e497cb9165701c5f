//! What other pod killers are told, as settings of an agent.
//!
//! Pure: flags and objects in, settings out. What cannot be carried over is said in a note, and a
//! value that nobody understands is an error, even where the other tool passes over it.

pub mod chaoskube;
mod hours;
pub mod kube_monkey;
mod written;

use std::fmt;

use crate::file;
use crate::schema::AgentSpec;

/// Settings, and what there is to say about them.
#[derive(Debug, Clone, PartialEq)]
pub struct Converted {
    /// The settings.
    pub spec: AgentSpec,
    /// What is different from before, for people.
    pub notes: Vec<String>,
    /// Commands for `kubectl` without which the settings are not complete.
    pub commands: Vec<String>,
}

/// Everything that cannot be converted, a line each: where it stands, its value, and what would be
/// right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Inconvertible(Vec<String>);

impl fmt::Display for Inconvertible {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join("\n"))
    }
}

impl Converted {
    /// The settings as a file, below the notes.
    pub fn file(&self, name: &str) -> String {
        written::file(name, &self.spec, &self.notes)
    }
}

/// What is wrong, as far as it is known.
#[derive(Debug, Default)]
struct Mistakes(Vec<String>);

impl Mistakes {
    fn add(&mut self, place: &str, value: &str, message: impl fmt::Display) {
        self.0.push(format!("{place}: `{value}`: {message}"));
    }

    /// The settings, if nothing is wrong with what they come from, nor with themselves when they are
    /// read as a file. `source` knows which flag a key comes from.
    fn or(
        mut self,
        converted: Converted,
        source: impl Fn(&str) -> Option<&'static str>,
    ) -> Result<Converted, Inconvertible> {
        if self.0.is_empty()
            && let Err(mistakes) = file::load_text("settings", &converted.file("converted"), &[])
        {
            for mistake in mistakes.list() {
                let key = mistake.key.to_string();
                let place = source(&key).map_or(key.clone(), |flag| format!("{flag} ({key})"));
                let value = mistake.value.as_deref().unwrap_or_default();
                self.add(&place, value, &mistake.message);
            }
        }
        if self.0.is_empty() {
            return Ok(converted);
        }
        Err(Inconvertible(self.0))
    }
}
