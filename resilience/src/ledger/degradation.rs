//! One replaced part of one answer.

use std::fmt;
use std::time::Duration;

/// Why a part of an answer had to be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// The circuit breaker was open.
    Open,
    /// An attempt took longer than its timeout.
    Timeout,
    /// The time for the whole request was up.
    Deadline,
    /// The bulkhead or the server's queue was full.
    Full,
    /// A rate limit was used up.
    Limited,
    /// The connection was refused: nobody listens.
    Refused,
    /// The connection broke while the call was under way.
    Reset,
    /// The dependency answered with a failure status.
    Status,
    /// There was no endpoint to send the call to.
    NoEndpoint,
    /// Anything else.
    Error,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 10] = [
        Self::Open,
        Self::Timeout,
        Self::Deadline,
        Self::Full,
        Self::Limited,
        Self::Refused,
        Self::Reset,
        Self::Status,
        Self::NoEndpoint,
        Self::Error,
    ];

    /// The token that stands in the header, in metrics and in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Timeout => "timeout",
            Self::Deadline => "deadline",
            Self::Full => "full",
            Self::Limited => "limited",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Status => "status",
            Self::NoEndpoint => "no-endpoint",
            Self::Error => "error",
        }
    }

    /// The reason a token stands for; an unknown one is [`Reason::Error`], so that an
    /// older caller understands a newer dependency.
    pub fn from_token(token: &str) -> Self {
        match token {
            "open" => Self::Open,
            "timeout" => Self::Timeout,
            "deadline" => Self::Deadline,
            "full" => Self::Full,
            "limited" => Self::Limited,
            "refused" => Self::Refused,
            "reset" => Self::Reset,
            "status" => Self::Status,
            "no-endpoint" => Self::NoEndpoint,
            _ => Self::Error,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// One replaced part of one answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Degradation {
    /// The dependency whose part was replaced.
    pub dependency: String,
    /// Why it had to be replaced.
    pub reason: Reason,
    /// What stood in for it, a short token such as `popular` or `last-good`.
    pub stood_in: String,
    /// The share of the whole answer that was replaced, 0 to 1.
    pub weight: f64,
    /// How old the stand-in was, where that is known.
    pub age: Option<Duration>,
}

impl Degradation {
    /// `stood_in` replaced what `dependency` should have given, a share of `weight` of the whole.
    pub fn new(
        dependency: impl Into<String>,
        reason: Reason,
        stood_in: impl Into<String>,
        weight: f64,
    ) -> Self {
        Self {
            dependency: dependency.into(),
            reason,
            stood_in: stood_in.into(),
            weight,
            age: None,
        }
    }

    /// How old the stand-in was (default: not known).
    #[must_use]
    pub fn aged(mut self, age: impl Into<Option<Duration>>) -> Self {
        self.age = age.into();
        self
    }
}
