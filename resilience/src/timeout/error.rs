//! The end of an attempt, or of a body, that took too long.

use std::sync::Arc;
use std::time::Duration;

/// An attempt took longer than it may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no answer from `{name}` within {after:.1?}")]
pub struct TimeoutElapsed {
    pub(super) name: Arc<str>,
    pub(super) after: Duration,
    pub(super) cut_by_deadline: bool,
}

impl TimeoutElapsed {
    /// The dependency that did not answer.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long the attempt was given.
    pub const fn after(&self) -> Duration {
        self.after
    }

    /// Whether the deadline of the request left less than the timeout of an attempt.
    pub const fn is_cut_by_deadline(&self) -> bool {
        self.cut_by_deadline
    }
}

/// The body of an answer stalled: nothing came for too long.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer of `{name}` stalled: nothing for {after:.1?}")]
pub struct BodyStalled {
    pub(super) name: Arc<str>,
    pub(super) after: Duration,
}

impl BodyStalled {
    /// The dependency that sent nothing more.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For how long nothing came.
    pub const fn after(&self) -> Duration {
        self.after
    }
}
