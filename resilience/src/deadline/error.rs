//! The deadline has passed.

use std::time::Duration;

/// The time for the whole request is up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct DeadlinePassed {
    name: String,
    late_by: Duration,
    began: bool,
}

impl DeadlinePassed {
    /// The request was refused before any work was done; the deadline was `late_by` ago.
    pub fn before_work(name: impl Into<String>, late_by: Duration) -> Self {
        Self {
            name: name.into(),
            late_by,
            began: false,
        }
    }

    /// The deadline passed while work was being done.
    pub fn during_work(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            late_by: Duration::ZERO,
            began: true,
        }
    }

    /// The client or server whose request it was.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether work had begun.
    pub const fn began(&self) -> bool {
        self.began
    }

    fn text(&self) -> String {
        if self.began {
            return format!("the deadline passed while `{}` was at work", self.name);
        }
        format!(
            "the deadline had passed {:?} before `{}` could begin",
            self.late_by, self.name
        )
    }
}
