//! Why a breaker changed.

/// Why a breaker changed its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TransitionReason {
    /// The share of failures reached its threshold.
    FailureRate,
    /// The share of slow calls reached its threshold.
    SlowRate,
    /// Too many failures in a row.
    ConsecutiveFailures,
    /// A failsafe policy marked the dependency dead.
    Policy,
    /// The time of the backoff is over.
    BackoffOver,
    /// Enough probes ended well.
    ProbesSucceeded,
    /// Too many probes failed or were slow.
    ProbesFailed,
    /// The probes under way gave no outcome before the half-open deadline.
    ProbesOverdue,
    /// The ramp reached its end.
    RampOver,
    /// Too many calls failed or were slow while the admitted share grew.
    RampFailed,
    /// An operator forced the breaker open.
    ForcedOpen,
    /// An operator forced the breaker closed.
    ForcedClosed,
    /// An operator switched the breaker off.
    Disabled,
    /// An operator lets the breaker watch without deciding.
    MetricsOnly,
    /// An operator gave the decision back to the breaker.
    Automatic,
    /// An operator reset the breaker.
    Reset,
}

impl TransitionReason {
    /// The token in events and logs.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::FailureRate => "failure-rate",
            Self::SlowRate => "slow-rate",
            Self::ConsecutiveFailures => "consecutive-failures",
            Self::Policy => "policy",
            Self::BackoffOver => "backoff-over",
            Self::ProbesSucceeded => "probes-succeeded",
            Self::ProbesFailed => "probes-failed",
            Self::ProbesOverdue => "probes-overdue",
            Self::RampOver => "ramp-over",
            Self::RampFailed => "ramp-failed",
            Self::ForcedOpen => "forced-open",
            Self::ForcedClosed => "forced-closed",
            Self::Disabled => "disabled",
            Self::MetricsOnly => "metrics-only",
            Self::Automatic => "automatic",
            Self::Reset => "reset",
        }
    }
}
