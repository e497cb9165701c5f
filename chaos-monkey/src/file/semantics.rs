//! What no schema can say: names that must exist, numbers that must fit each other.

mod game_day;
mod load;
mod system;

use super::KeyPath;
use super::check::nearest;

pub(super) use game_day::of_game_day;
pub(super) use system::of_system;

/// A mistake by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) key: KeyPath,
    pub(super) value: Option<String>,
    pub(super) message: String,
}

/// A mistake without a value.
fn problem(key: impl Into<KeyPath>, message: impl Into<String>) -> Problem {
    Problem {
        key: key.into(),
        value: None,
        message: message.into(),
    }
}

/// A name that nothing has.
pub(super) fn unknown(key: impl Into<KeyPath>, given: &str, what: &str, known: &[&str]) -> Problem {
    let hint = match (nearest(given, known), known) {
        (Some(meant), _) => format!("did you mean `{meant}`?"),
        (None, []) => format!("there is no {what} at all"),
        (None, known) => format!("expected one of {}", known.join(", ")),
    };
    Problem {
        key: key.into(),
        value: Some(given.to_owned()),
        message: format!("there is no {what} `{given}`: {hint}"),
    }
}

impl From<&str> for KeyPath {
    fn from(dotted: &str) -> Self {
        Self::dotted(dotted)
    }
}
