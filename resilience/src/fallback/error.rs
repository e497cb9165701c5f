//! A failure that came as an answer.

use http::StatusCode;

/// The dependency answered with a status that counts as a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the dependency answered with status {status}")]
pub struct FailureStatus {
    status: StatusCode,
}

impl FailureStatus {
    pub(super) const fn new(status: StatusCode) -> Self {
        Self { status }
    }

    /// The status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }
}
