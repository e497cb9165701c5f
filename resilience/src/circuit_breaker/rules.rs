//! How calls through a closed breaker are counted, and from when on they open it.
//!
//! Policies of failsafe are not among these rules: they need the lock of the state machine,
//! which the happy path of our own rules does not take.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::clock::Clock;
use super::consecutive::Consecutive;
use super::gate::Gate;
use super::reason::TransitionReason;
use super::thresholds::Thresholds;
use super::window::{Sample, SlidingWindow, Totals, Window};

/// The rules of a breaker, in the version that an operator gave it last.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) version: u32,
    /// From when on a call is slow, where slow calls count.
    pub(super) slow_threshold: Option<Duration>,
    /// After how long without a part of its body a call has failed.
    pub(super) stalled_after: Option<Duration>,
    pub(super) rates: Option<Rates>,
    pub(super) consecutive: Option<Consecutive>,
    /// Whether the state machine has policies of failsafe to ask.
    pub(super) asks_failsafe: bool,
}

/// The rule about shares of bad calls.
#[derive(Debug)]
pub(super) struct Rates {
    pub(super) of: Window,
    /// Shared with the version before, where both have the same window.
    pub(super) window: Arc<SlidingWindow>,
    pub(super) thresholds: Thresholds,
}

impl Rates {
    /// Begins with the calls of `before`, as far as the two windows allow it.
    pub(super) fn new(
        of: Window,
        thresholds: Thresholds,
        before: Option<&Self>,
        now: Instant,
    ) -> Self {
        let window = match before {
            Some(before) if before.of == of => Arc::clone(&before.window),
            Some(before) => Arc::new(before.window.resized(of, now)),
            None => Arc::new(SlidingWindow::new(of, now)),
        };
        Self {
            of,
            window,
            thresholds,
        }
    }

    #[inline]
    fn record(
        &self,
        generation: u32,
        sample: Sample,
        clock: &mut Clock,
        gate: &Gate,
    ) -> Option<TransitionReason> {
        let counts = self.window.record(generation, sample, clock, gate);
        // A dependency that is back must not be punished for what it did while it was
        // away: a good call may complete the minimum, but it never opens.
        if !counts || !sample.is_bad() {
            return None;
        }
        self.thresholds.reached(self.window.totals(clock.now()))
    }
}

impl Rules {
    /// Counts a call of a generation, in every rule, and says whether the breaker must open.
    #[inline]
    pub(super) fn record(
        &self,
        generation: u32,
        sample: Sample,
        clock: &mut Clock,
        gate: &Gate,
    ) -> Option<TransitionReason> {
        let too_often = self
            .rates
            .as_ref()
            .and_then(|rates| rates.record(generation, sample, clock, gate));
        let in_a_row = self
            .consecutive
            .as_ref()
            .is_some_and(|rule| rule.record(generation, sample.failure, gate))
            .then_some(TransitionReason::ConsecutiveFailures);
        too_often.or(in_a_row)
    }

    /// What rates are computed from, where they are.
    pub(super) fn window(&self) -> Option<Arc<SlidingWindow>> {
        self.rates.as_ref().map(|rates| Arc::clone(&rates.window))
    }

    /// What is in the window at `now`, where there is one.
    pub(super) fn totals(&self, now: Instant) -> Option<Totals> {
        Some(self.rates.as_ref()?.window.totals(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit_breaker::window::SlidingWindow;

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
    const BY_FAILURES: Option<TransitionReason> = Some(TransitionReason::FailureRate);

    fn rules(calls: u32) -> Rules {
        let thresholds = Thresholds {
            failure_rate: 0.5,
            slow_rate: Some(0.8),
            minimum_calls: 4,
        };
        Rules {
            version: 0,
            slow_threshold: None,
            stalled_after: None,
            rates: Some(Rates::new(
                Window::count(calls),
                thresholds,
                None,
                Instant::now(),
            )),
            consecutive: None,
            asks_failsafe: false,
        }
    }

    fn reasons(rules: &Rules, samples: &[Sample]) -> Vec<Option<TransitionReason>> {
        let gate = Gate::new();
        let record = |sample: &Sample| rules.record(0, *sample, &mut Clock::default(), &gate);
        samples.iter().map(record).collect()
    }

    #[test]
    fn nothing_is_decided_below_the_minimum_of_calls() {
        let reasons = reasons(&rules(10), &[BAD, BAD, BAD, BAD]);
        assert_eq!(reasons, [None, None, None, BY_FAILURES]);
    }

    #[test]
    fn a_good_call_may_reach_the_minimum_and_never_opens() {
        let reasons = reasons(&rules(10), &[BAD, BAD, BAD, GOOD, GOOD, BAD]);
        assert_eq!(reasons, [None, None, None, None, None, BY_FAILURES]);
    }

    #[test]
    fn slow_calls_have_a_threshold_of_their_own() {
        let reasons = reasons(&rules(10), &[SLOW, GOOD, SLOW, SLOW, SLOW]);
        let by_slowness = Some(TransitionReason::SlowRate);
        assert_eq!(reasons, [None, None, None, None, by_slowness]);
    }

    #[test]
    fn a_resized_window_keeps_the_newest_calls() {
        let rules = rules(10);
        reasons(&rules, &[BAD, BAD, BAD, GOOD, GOOD, SLOW]);
        let now = Instant::now();
        let rates = rules.rates.unwrap();
        let totals = |window: &SlidingWindow| window.totals(now);
        let smaller = rates.window.resized(Window::count(4), now);
        assert_eq!(
            totals(&smaller),
            Totals {
                calls: 4,
                failures: 1,
                slow: 1
            }
        );
        let larger = smaller.resized(Window::count(100), now);
        assert_eq!(totals(&larger), totals(&smaller));
        let of_time = larger.resized(Window::time(Duration::from_secs(1)), now);
        assert_eq!(totals(&of_time), Totals::default());
    }
}
