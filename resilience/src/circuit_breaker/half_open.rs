//! What half-open does: admits a few probes and lets their outcomes decide.
//!
//! - At most `probes` calls are admitted beyond those that ended without an outcome; the
//!   rest is rejected, so that a dependency that just came back is not run over.
//! - Failed or slow probes reopen as soon as their share of all probes reaches the same
//!   thresholds that open a closed breaker; otherwise the last outcome closes.
//! - A cancelled or neutral probe gives its place back.
//! - A probe whose body is followed to its end is good when it still delivers after the
//!   half-open deadline.
//! - If every place is taken and nothing has happened for the half-open deadline, the
//!   probes hang: the breaker reopens. Without this rule it would reject for ever.

use std::time::Duration;

use tokio::time::Instant;

use super::thresholds::{Thresholds, is_reached};
use super::window::{Sample, Window};

/// How probes are admitted and judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProbeRules {
    /// How many outcomes decide.
    pub(super) probes: u32,
    /// From how many failures on the breaker reopens.
    failure_limit: u32,
    /// From how many slow probes on the breaker reopens, where slow calls count.
    slow_limit: Option<u32>,
    /// After how long without any progress probes count as hanging.
    deadline: Duration,
    /// What judges the calls of a ramp, and over what; without it any bad one does.
    pub(super) of_ramp: Option<(Window, Thresholds)>,
}

impl ProbeRules {
    /// Rules that judge probes by the thresholds of a closed breaker's window.
    pub(super) fn by_rates(
        probes: u32,
        deadline: Duration,
        window: Window,
        thresholds: Thresholds,
    ) -> Self {
        let limit = |rate: f64| {
            // Rounding is off by one at most: the comparison has the last word.
            let about = (f64::from(probes) * rate) as u32;
            let nearest = about.saturating_sub(1).max(1)..=about.saturating_add(2).min(probes);
            nearest
                .into_iter()
                .find(|bad| is_reached(*bad, probes, rate))
                .unwrap_or(probes)
        };
        Self {
            probes,
            failure_limit: limit(thresholds.failure_rate),
            slow_limit: thresholds.slow_rate.map(limit),
            deadline,
            of_ramp: Some((window, thresholds.from(probes))),
        }
    }

    /// Rules for a policy that knows no rates: one bad probe reopens.
    pub(super) const fn strict(probes: u32, deadline: Duration) -> Self {
        Self {
            probes,
            failure_limit: 1,
            slow_limit: Some(1),
            deadline,
            of_ramp: None,
        }
    }
}

/// May a call probe?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Taken,
    AllOccupied,
    /// All places are occupied, and have been for longer than the deadline.
    Overdue,
}

/// What the outcomes so far decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    Undecided,
    Close,
    Reopen,
}

/// One half-open period.
#[derive(Debug)]
pub(super) struct HalfOpen {
    rules: ProbeRules,
    in_flight: u32,
    outcomes: u32,
    failures: u32,
    slow: u32,
    last_progress: Instant,
}

impl HalfOpen {
    pub(super) const fn new(rules: ProbeRules, now: Instant) -> Self {
        Self {
            rules,
            in_flight: 0,
            outcomes: 0,
            failures: 0,
            slow: 0,
            last_progress: now,
        }
    }

    /// Takes a place for a probe, if there is one.
    pub(super) fn take_place(&mut self, now: Instant) -> Place {
        if !self.is_full() {
            self.in_flight += 1;
            self.last_progress = now;
            return Place::Taken;
        }
        if now.saturating_duration_since(self.last_progress) >= self.rules.deadline {
            return Place::Overdue;
        }
        Place::AllOccupied
    }

    /// Takes note of a part of the body of a probe whose head came at `since`. Whether the probe
    /// has proved the dependency well: it still delivers when hanging ones are given up.
    pub(super) fn delivers(&mut self, since: Instant, now: Instant) -> bool {
        self.last_progress = now;
        now.saturating_duration_since(since) >= self.rules.deadline
    }

    /// Whether there is no place for a further probe.
    pub(super) const fn is_full(&self) -> bool {
        self.in_flight + self.outcomes >= self.rules.probes
    }

    /// From when on the probes count as hanging, if nothing happens before.
    pub(super) fn overdue_at(&self) -> Option<Instant> {
        self.last_progress.checked_add(self.rules.deadline)
    }

    /// Gives the place of a probe back that ended without an outcome.
    pub(super) const fn give_back(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Takes note of the outcome of a probe.
    pub(super) fn judge(&mut self, sample: Sample, now: Instant) -> Judgement {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.outcomes += 1;
        self.failures += u32::from(sample.failure);
        self.slow += u32::from(sample.slow);
        self.last_progress = now;
        if self.failures >= self.rules.failure_limit {
            return Judgement::Reopen;
        }
        if self
            .rules
            .slow_limit
            .is_some_and(|limit| self.slow >= limit)
        {
            return Judgement::Reopen;
        }
        if self.outcomes >= self.rules.probes {
            return Judgement::Close;
        }
        Judgement::Undecided
    }
}

#[cfg(test)]
mod tests {
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
    const DEADLINE: Duration = Duration::from_secs(5);

    fn half_open(probes: u32) -> (HalfOpen, Instant) {
        let thresholds = Thresholds {
            failure_rate: 0.5,
            slow_rate: Some(1.0),
            minimum_calls: 20,
        };
        let now = Instant::now();
        let rules = ProbeRules::by_rates(probes, DEADLINE, Window::count(100), thresholds);
        (HalfOpen::new(rules, now), now)
    }

    #[test]
    fn admits_no_more_than_its_probes() {
        let (mut half_open, now) = half_open(3);
        for _ in 0..3 {
            assert_eq!(half_open.take_place(now), Place::Taken);
        }
        assert_eq!(half_open.take_place(now), Place::AllOccupied);
        assert_eq!(half_open.judge(GOOD, now), Judgement::Undecided);
        assert_eq!(half_open.take_place(now), Place::AllOccupied);
        half_open.give_back();
        assert_eq!(half_open.take_place(now), Place::Taken);
    }

    #[test]
    fn the_last_good_outcome_closes() {
        let (mut half_open, now) = half_open(3);
        let judged = [GOOD, BAD, GOOD].map(|sample| half_open.judge(sample, now));
        assert_eq!(
            judged,
            [Judgement::Undecided, Judgement::Undecided, Judgement::Close]
        );
    }

    #[test]
    fn reopens_as_soon_as_the_failure_rate_is_certain() {
        let (mut half_open, now) = half_open(4);
        assert_eq!(half_open.judge(BAD, now), Judgement::Undecided);
        assert_eq!(half_open.judge(BAD, now), Judgement::Reopen);
    }

    #[test]
    fn slow_probes_reopen_by_their_own_rate() {
        let (mut half_open, now) = half_open(2);
        assert_eq!(half_open.judge(SLOW, now), Judgement::Undecided);
        assert_eq!(half_open.judge(SLOW, now), Judgement::Reopen);
    }

    proptest::proptest! {
        #[test]
        fn the_limit_is_the_first_count_that_reaches_the_rate(
            probes in 1_u32..2_000,
            rate in 0.0001_f64..=1.0,
        ) {
            let thresholds = Thresholds {
                failure_rate: rate,
                slow_rate: None,
                minimum_calls: 1,
            };
            let rules = ProbeRules::by_rates(probes, DEADLINE, Window::count(100), thresholds);
            let naive = (1..=probes).find(|bad| is_reached(*bad, probes, rate));
            proptest::prop_assert_eq!(Some(rules.failure_limit), naive);
        }
    }

    #[test]
    fn a_single_probe_decides_alone() {
        let (mut good, now) = half_open(1);
        assert_eq!(good.judge(GOOD, now), Judgement::Close);
        let (mut bad, now) = half_open(1);
        assert_eq!(bad.judge(BAD, now), Judgement::Reopen);
    }

    #[test]
    fn hanging_probes_are_overdue_after_the_deadline_since_the_last_progress() {
        let (mut half_open, start) = half_open(2);
        half_open.take_place(start);
        let second = start + Duration::from_secs(3);
        assert_eq!(half_open.take_place(second), Place::Taken);
        let just_before = second + DEADLINE.checked_sub(Duration::from_nanos(1)).unwrap();
        assert_eq!(half_open.take_place(just_before), Place::AllOccupied);
        assert_eq!(half_open.take_place(second + DEADLINE), Place::Overdue);
    }

    #[test]
    fn a_body_that_delivers_is_progress_and_a_good_probe_after_the_deadline() {
        let (mut half_open, start) = half_open(1);
        half_open.take_place(start);
        let almost = start + DEADLINE.checked_sub(Duration::from_nanos(1)).unwrap();
        assert!(!half_open.delivers(start, almost));
        assert_eq!(half_open.take_place(start + DEADLINE), Place::AllOccupied);
        assert!(half_open.delivers(start, start + DEADLINE));
    }

    #[test]
    fn quiet_traffic_is_not_overdue() {
        let (mut half_open, start) = half_open(2);
        half_open.take_place(start);
        half_open.judge(GOOD, start);
        assert_eq!(half_open.take_place(start + DEADLINE * 10), Place::Taken);
    }
}
