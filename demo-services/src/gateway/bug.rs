//! A bug that can be planted, so that a game day has something to find.

use std::time::Duration;

/// How long a user's request may take at the edge: below the 1.2 s after which a device gives
/// an attempt up, so that a partial answer arrives while somebody still waits for it.
const EDGE_DEADLINE: Duration = Duration::from_secs(1);

/// How long one attempt at a dependency may take: a quarter of the edge's deadline leaves room
/// for a second attempt and for the stand-in.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(250);

/// Which bug is planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Bug {
    /// None
    #[default]
    None,
    /// The gateway waits 5 s for an answer that its users wait 1.2 s for
    MismatchedTimeout,
}

impl Bug {
    /// How long a user's request may take.
    pub(super) fn edge_deadline(self) -> Duration {
        match self {
            Self::None => EDGE_DEADLINE,
            Self::MismatchedTimeout => Duration::from_secs(5),
        }
    }

    /// How long one attempt at a dependency may take.
    pub(super) fn attempt_timeout(self) -> Duration {
        match self {
            Self::None => ATTEMPT_TIMEOUT,
            Self::MismatchedTimeout => Duration::from_secs(5),
        }
    }
}
