//! What an operator may tell a breaker.

use serde::{Deserialize, Serialize};

/// Whether the breaker decides, or an operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Mode {
    /// The breaker decides.
    #[default]
    Automatic,
    /// Every call is rejected, and the error says that an operator wants it so.
    ForcedOpen,
    /// Every call passes. Metrics show how it ended; it opens nothing.
    ForcedClosed,
    /// Every call passes as if there were no breaker: nothing is counted, not even in metrics.
    Disabled,
    /// Every call passes and is counted by the rules. Where they would open the breaker, an
    /// [event](crate::telemetry::Event::BreakerWouldOpen) says so, and counting starts anew.
    MetricsOnly,
}

impl Mode {
    /// Every mode, as labels of `resilience_breaker_mode`.
    pub const NAMES: [&'static str; 5] = [
        "automatic",
        "forced-open",
        "forced-closed",
        "disabled",
        "metrics-only",
    ];

    /// The name that stands in metrics, events and settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::ForcedOpen => "forced-open",
            Self::ForcedClosed => "forced-closed",
            Self::Disabled => "disabled",
            Self::MetricsOnly => "metrics-only",
        }
    }
}
