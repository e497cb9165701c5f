//! What a ramp does: after good probes it admits a growing share of the calls, so that a
//! dependency with cold caches is not run over by everything at once.
//!
//! - The share grows in a straight line, from a tenth to all of them.
//! - Which calls pass is not left to chance: of every `n` about `n · share` do, evenly spread.
//! - Failed or slow calls end the ramp as soon as they reach the thresholds of a closed
//!   breaker, judged over its window, but already from as many calls on as there are probes.

use std::time::Duration;

use tokio::time::Instant;

use super::clock::Clock;
use super::gate::Gate;
use super::half_open::ProbeRules;
use super::thresholds::Thresholds;
use super::window::{Sample, SlidingWindow};

/// Where the share begins: the least weight of a host in Envoy's slow start.
const FIRST_SHARE: f64 = 0.1;

/// One recovery.
#[derive(Debug)]
pub(super) struct Ramp {
    recent: Option<Recent>,
    started: Instant,
    duration: Duration,
    /// What the calls so far have saved up; 1 buys a place.
    credit: f64,
}

/// The calls of the ramp that its breaker would still look at, were it closed: what went well
/// long ago must not hide that nothing does now.
#[derive(Debug)]
struct Recent {
    window: SlidingWindow,
    thresholds: Thresholds,
    /// The lock of the machine keeps this window: there is no generation but one.
    gate: Gate,
}

impl Recent {
    fn is_too_bad_with(&self, sample: Sample, now: Instant) -> bool {
        let mut clock = Clock::at(now);
        self.window.record(0, sample, &mut clock, &self.gate);
        let totals = self.window.totals(now);
        sample.is_bad() && self.thresholds.reached(totals).is_some()
    }
}

impl Ramp {
    pub(super) fn new(rules: ProbeRules, duration: Duration, now: Instant) -> Self {
        let recent = rules.of_ramp.map(|(window, thresholds)| Recent {
            window: SlidingWindow::new(window, now),
            thresholds,
            gate: Gate::new(),
        });
        Self {
            recent,
            started: now,
            duration,
            // The first call passes.
            credit: 1.0 - FIRST_SHARE,
        }
    }

    /// The share of the calls that is admitted at `now`, 0.1 to 1.
    pub(super) fn share(&self, now: Instant) -> f64 {
        share_after(now.saturating_duration_since(self.started), self.duration)
    }

    /// Over how long the share grows.
    pub(super) const fn duration(&self) -> Duration {
        self.duration
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.started) >= self.duration
    }

    /// Whether a call at `now` passes.
    pub(super) fn admits(&mut self, now: Instant) -> bool {
        self.credit += self.share(now);
        if self.credit < 1.0 {
            return false;
        }
        self.credit -= 1.0;
        true
    }

    /// Takes note of the outcome of a call, and says whether the recovery has failed.
    pub(super) fn fails_with(&self, sample: Sample, now: Instant) -> bool {
        match &self.recent {
            Some(recent) => recent.is_too_bad_with(sample, now),
            None => sample.is_bad(),
        }
    }
}

/// The share after so much of a ramp of that `duration`.
pub(super) fn share_after(elapsed: Duration, duration: Duration) -> f64 {
    let done = elapsed.as_secs_f64() / duration.as_secs_f64().max(f64::MIN_POSITIVE);
    FIRST_SHARE + (1.0 - FIRST_SHARE) * done.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::super::window::Window;
    use super::*;

    const DURATION: Duration = Duration::from_secs(10);

    fn ramp(now: Instant) -> Ramp {
        ramp_over(Window::count(100), now)
    }

    fn ramp_over(window: Window, now: Instant) -> Ramp {
        let thresholds = Thresholds {
            failure_rate: 0.5,
            slow_rate: None,
            minimum_calls: 20,
        };
        let rules = ProbeRules::by_rates(4, Duration::from_secs(5), window, thresholds);
        Ramp::new(rules, DURATION, now)
    }

    fn outcome(failure: bool) -> Sample {
        let slow = false;
        Sample { failure, slow }
    }

    #[test]
    fn the_admitted_share_grows_from_a_tenth_to_all() {
        let start = Instant::now();
        let mut ramp = ramp(start);
        let mut admitted_of_1000 = |at: Duration| {
            let now = start + at;
            (0..1_000).filter(|_| ramp.admits(now)).count()
        };
        assert_eq!(admitted_of_1000(Duration::ZERO), 100);
        let half = admitted_of_1000(DURATION / 2);
        assert!((549..=551).contains(&half), "{half}");
        assert_eq!(admitted_of_1000(DURATION), 1_000);
    }

    #[test]
    fn the_first_call_passes() {
        let start = Instant::now();
        assert!(ramp(start).admits(start));
    }

    #[test]
    fn it_fails_at_the_threshold_of_at_least_as_many_calls_as_probes() {
        let now = Instant::now();
        let ramp = ramp(now);
        let fails = [true, true, false, false, false, true].map(outcome);
        let ends = fails.map(|sample| ramp.fails_with(sample, now));
        assert_eq!(ends, [false, false, false, false, false, true]);
    }

    /// Regression: the calls of the whole ramp were judged together, so that a dependency that
    /// died late in it went unnoticed.
    #[test]
    fn what_went_well_long_ago_does_not_hide_that_nothing_does_now() {
        let begin = Instant::now();
        let second = Duration::from_secs(1);
        for (window, calls_until_noticed) in [(Window::count(20), 10), (Window::time(second), 1)] {
            let ramp = ramp_over(window, begin);
            for call in 0..500 {
                assert!(!ramp.fails_with(outcome(false), begin + second * call / 100));
            }
            let dies = begin + second * 7;
            let noticed = (1..=100).find(|_| ramp.fails_with(outcome(true), dies));
            assert_eq!(noticed, Some(calls_until_noticed.max(4)), "{window:?}");
        }
    }

    #[test]
    fn it_is_over_when_its_time_is() {
        let start = Instant::now();
        let ramp = ramp(start);
        assert!(!ramp.is_over(start + DURATION - Duration::from_nanos(1)));
        assert!(ramp.is_over(start + DURATION));
    }
}
