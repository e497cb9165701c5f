//! From which shares of bad calls on a breaker opens.

use super::reason::TransitionReason;
use super::window::Totals;

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
    /// The same, from so many calls on.
    pub(super) const fn from(self, minimum_calls: u32) -> Self {
        Self {
            minimum_calls,
            ..self
        }
    }

    pub(super) fn reached(&self, totals: Totals) -> Option<TransitionReason> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
