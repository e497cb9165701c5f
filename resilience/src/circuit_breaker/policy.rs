//! When a breaker opens: its own windows, or any policy of failsafe.

use std::fmt;
use std::time::Duration;

use failsafe::FailurePolicy;
use tokio::time::Instant;

use super::window::{Sample, SlidingWindow, Totals, Window};

/// Why a breaker changed its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TransitionReason {
    /// The share of failures reached its threshold.
    FailureRate,
    /// The share of slow calls reached its threshold.
    SlowRate,
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
}

impl TransitionReason {
    /// The token in events and logs.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::FailureRate => "failure-rate",
            Self::SlowRate => "slow-rate",
            Self::Policy => "policy",
            Self::BackoffOver => "backoff-over",
            Self::ProbesSucceeded => "probes-succeeded",
            Self::ProbesFailed => "probes-failed",
            Self::ProbesOverdue => "probes-overdue",
        }
    }
}

/// The decision to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trip {
    pub(super) reason: TransitionReason,
    /// How long, where the policy and not the backoff of the breaker says it.
    pub(super) open_for: Option<Duration>,
}

/// What a window must hold for the breaker to open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Thresholds {
    /// Share of failures, above 0 to 1.
    pub(super) failure_rate: f64,
    /// Share of slow calls, above 0 to 1, where slow calls count at all.
    pub(super) slow_rate: Option<f64>,
    /// Below so many calls in the window nothing is decided.
    pub(super) minimum_calls: u32,
}

impl Thresholds {
    fn reached(&self, totals: Totals) -> Option<TransitionReason> {
        if totals.calls < self.minimum_calls {
            return None;
        }
        if is_reached(totals.failures, totals.calls, self.failure_rate) {
            return Some(TransitionReason::FailureRate);
        }
        let slow_rate = self.slow_rate?;
        is_reached(totals.slow, totals.calls, slow_rate).then_some(TransitionReason::SlowRate)
    }
}

/// Whether `part` of `whole` is at least `rate`. The quotient is compared and not a
/// product, because 11 ÷ 20 rounds to the same number as 0.55, but 0.55 · 20 exceeds 11.
pub(super) fn is_reached(part: u32, whole: u32, rate: f64) -> bool {
    part > 0 && f64::from(part) / f64::from(whole) >= rate
}

/// Decides when a closed breaker opens.
pub(super) enum Policy {
    Window {
        window: SlidingWindow,
        thresholds: Thresholds,
    },
    Failsafe(Box<dyn FailurePolicy + Send>),
}

impl Policy {
    pub(super) fn window(window: Window, thresholds: Thresholds, now: Instant) -> Self {
        Self::Window {
            window: SlidingWindow::new(window, now),
            thresholds,
        }
    }

    /// Takes note of a call that ended at `now` while the breaker was closed.
    pub(super) fn record(&mut self, sample: Sample, now: Instant) -> Option<Trip> {
        match self {
            Self::Window { window, thresholds } => {
                let totals = window.record(sample, now);
                // A dependency that is back must not be punished for what it did while it was
                // away: a good call may complete the minimum, but it never opens.
                if !sample.failure && !sample.slow {
                    return None;
                }
                let reason = thresholds.reached(totals)?;
                Some(Trip {
                    reason,
                    open_for: None,
                })
            }
            Self::Failsafe(policy) if sample.failure || sample.slow => {
                let open_for = policy.mark_dead_on_failure()?;
                Some(Trip {
                    reason: TransitionReason::Policy,
                    open_for: Some(open_for),
                })
            }
            Self::Failsafe(policy) => {
                policy.record_success();
                None
            }
        }
    }

    /// How long to stay open after failed probes, where the policy has an opinion.
    pub(super) fn open_again_for(&mut self) -> Option<Duration> {
        match self {
            Self::Window { .. } => None,
            Self::Failsafe(policy) => policy.mark_dead_on_failure(),
        }
    }

    /// Forgets the past: the breaker closed again.
    pub(super) fn revived(&mut self) {
        match self {
            Self::Window { window, .. } => window.clear(),
            Self::Failsafe(policy) => policy.revived(),
        }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window { window, thresholds } => formatter
                .debug_struct("Window")
                .field("window", window)
                .field("thresholds", thresholds)
                .finish(),
            Self::Failsafe(_) => formatter.debug_tuple("Failsafe").finish_non_exhaustive(),
        }
    }
}

#[cfg(test)]
mod tests {
    use failsafe::{backoff, failure_policy};

    use super::*;

    const GOOD: Sample = Sample {
        failure: false,
        slow: false,
    };
    const BAD: Sample = Sample {
        failure: true,
        slow: false,
    };
    const SLOW: Sample = Sample {
        failure: false,
        slow: true,
    };

    fn policy() -> Policy {
        let thresholds = Thresholds {
            failure_rate: 0.5,
            slow_rate: Some(0.8),
            minimum_calls: 4,
        };
        Policy::window(Window::count(10), thresholds, Instant::now())
    }

    fn reasons(policy: &mut Policy, samples: &[Sample]) -> Vec<Option<TransitionReason>> {
        let now = Instant::now();
        let record = |sample: &Sample| policy.record(*sample, now).map(|trip| trip.reason);
        samples.iter().map(record).collect()
    }

    #[test]
    fn nothing_is_decided_below_the_minimum_of_calls() {
        let reasons = reasons(&mut policy(), &[BAD, BAD, BAD, BAD]);
        assert_eq!(
            reasons,
            [None, None, None, Some(TransitionReason::FailureRate)]
        );
    }

    #[test]
    fn a_good_call_may_reach_the_minimum_and_never_opens() {
        let reasons = reasons(&mut policy(), &[BAD, BAD, BAD, GOOD, GOOD, BAD]);
        assert_eq!(
            reasons,
            [
                None,
                None,
                None,
                None,
                None,
                Some(TransitionReason::FailureRate)
            ]
        );
    }

    #[test]
    fn slow_calls_have_a_threshold_of_their_own() {
        let reasons = reasons(&mut policy(), &[SLOW, GOOD, SLOW, SLOW, SLOW]);
        assert_eq!(
            reasons,
            [None, None, None, None, Some(TransitionReason::SlowRate)]
        );
    }

    #[test]
    fn a_share_is_compared_without_rounding_errors() {
        for calls in 1_u32..=1_000 {
            for part in 1..=calls {
                let rate: f64 = format!("{}", f64::from(part) / f64::from(calls))
                    .parse()
                    .unwrap();
                assert!(is_reached(part, calls, rate), "{part} of {calls}");
            }
        }
        assert!(is_reached(11, 20, 0.55));
        assert!(!is_reached(10, 20, 0.55));
        assert!(!is_reached(0, 0, 0.5));
    }

    #[test]
    fn a_failsafe_policy_decides_and_says_for_how_long() {
        let pause = Duration::from_secs(5);
        let two_in_a_row = failure_policy::consecutive_failures(2, backoff::constant(pause));
        let mut policy = Policy::Failsafe(Box::new(two_in_a_row));
        let now = Instant::now();
        assert_eq!(policy.record(BAD, now), None);
        assert_eq!(policy.record(GOOD, now), None);
        assert_eq!(policy.record(BAD, now), None);
        let trip = policy.record(SLOW, now).unwrap();
        assert_eq!(trip.reason, TransitionReason::Policy);
        assert_eq!(trip.open_for, Some(pause));
        assert_eq!(policy.open_again_for(), Some(pause));
        policy.revived();
        assert_eq!(policy.record(BAD, now), None);
    }
}
