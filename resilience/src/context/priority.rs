//! How much a request matters when not all can be served.

use std::str::FromStr;

/// How much a request matters; the order is from most to least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum Priority {
    /// A user waits, and without it nothing works: playback.
    Critical,
    /// A user waits.
    #[default]
    Default,
    /// Nobody waits: prefetches, refreshes.
    Sheddable,
}

impl Priority {
    /// The word in the header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Default => "default",
            Self::Sheddable => "sheddable",
        }
    }
}

/// A word that names no priority.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such priority: expected critical, default or sheddable")]
#[non_exhaustive]
pub struct UnknownPriority;

impl FromStr for Priority {
    type Err = UnknownPriority;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Critical, Self::Default, Self::Sheddable]
            .into_iter()
            .find(|priority| priority.as_str() == word)
            .ok_or(UnknownPriority)
    }
}
