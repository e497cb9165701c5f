//! What a ramp does: after good probes it admits a growing share of the calls, so that a
//! dependency with cold caches is not run over by everything at once.
//!
//! - The share grows in a straight line, from a tenth to all of them.
//! - Which calls pass is not left to chance: of every `n` about `n · share` do, evenly spread.
//! - Failed or slow calls end the ramp as soon as they reach the thresholds of a closed
//!   breaker, judged over the calls of the ramp, at least as many as there are probes.

use std::time::Duration;

use tokio::time::Instant;

use super::half_open::ProbeRules;
use super::window::{Sample, Totals};

/// Where the share begins: the least weight of a host in Envoy's slow start.
const FIRST_SHARE: f64 = 0.1;

/// One recovery.
#[derive(Debug)]
pub(super) struct Ramp {
    rules: ProbeRules,
    started: Instant,
    duration: Duration,
    /// What the calls so far have saved up; 1 buys a place.
    credit: f64,
    totals: Totals,
}

impl Ramp {
    pub(super) fn new(rules: ProbeRules, duration: Duration, now: Instant) -> Self {
        Self {
            rules,
            started: now,
            duration,
            // The first call passes.
            credit: 1.0 - FIRST_SHARE,
            totals: Totals::default(),
        }
    }

    /// The share of the calls that is admitted at `now`, 0.1 to 1.
    pub(super) fn share(&self, now: Instant) -> f64 {
        let elapsed = now.saturating_duration_since(self.started);
        let done = elapsed.as_secs_f64() / self.duration.as_secs_f64().max(f64::MIN_POSITIVE);
        FIRST_SHARE + (1.0 - FIRST_SHARE) * done.min(1.0)
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
    pub(super) fn fails_with(&mut self, sample: Sample) -> bool {
        self.totals.add(sample);
        sample.is_bad() && self.rules.is_too_bad(self.totals)
    }
}

#[cfg(test)]
mod tests {
    use super::super::thresholds::Thresholds;
    use super::*;

    const DURATION: Duration = Duration::from_secs(10);

    fn ramp(now: Instant) -> Ramp {
        let thresholds = Thresholds {
            failure_rate: 0.5,
            slow_rate: None,
            minimum_calls: 20,
        };
        let rules = ProbeRules::by_rates(4, Duration::from_secs(5), thresholds);
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
        let mut ramp = ramp(Instant::now());
        assert!(!ramp.fails_with(outcome(true)));
        assert!(!ramp.fails_with(outcome(true)));
        assert!(!ramp.fails_with(outcome(false)));
        assert!(!ramp.fails_with(outcome(false)));
        assert!(!ramp.fails_with(outcome(false)));
        assert!(ramp.fails_with(outcome(true)));
    }

    #[test]
    fn it_is_over_when_its_time_is() {
        let start = Instant::now();
        let ramp = ramp(start);
        assert!(!ramp.is_over(start + DURATION - Duration::from_nanos(1)));
        assert!(ramp.is_over(start + DURATION));
    }
}
