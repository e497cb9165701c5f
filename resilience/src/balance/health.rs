//! Whether an endpoint gets calls: ejected after failures in a row, then back step by step.
//!
//! ```text
//!              failures in a row               its time is over
//!  Available ────────────────────▶ Ejected ───────────────────────▶ one probe at a time
//!      ▲                              ▲ │                                   │
//!      │ slow start is over           │ │ a success of a call that began    │
//!      │                      failure │ ▼ after the ejection                │
//!      └───────────────────────── Returning ◀───────────────────────────────┘
//! ```

use super::config::BalanceConfig;
use super::load::Micros;

/// The share of its calls with which an endpoint comes back.
const FIRST_SHARE: f64 = 0.1;

/// How an endpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It gets its full share.
    Available,
    /// It gets no calls until `until`, and then one probe at a time.
    Ejected { since: Micros, until: Micros },
    /// It proved itself at `since` and gets a growing share.
    Returning { since: Micros },
}

/// The record of one endpoint.
#[derive(Debug)]
pub(super) struct Health {
    standing: Standing,
    failures_in_a_row: u32,
    /// Ejections since the endpoint was last fully available.
    ejections: u32,
    probe_in_flight: bool,
}

/// What a failure asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Nothing changes.
    Keep,
    /// The endpoint should be ejected, if the others allow it.
    Eject,
}

impl Health {
    pub(super) const fn new() -> Self {
        Self {
            standing: Standing::Available,
            failures_in_a_row: 0,
            ejections: 0,
            probe_in_flight: false,
        }
    }

    /// The standing at `now`: who came back completes the return by time alone.
    pub(super) fn standing(&mut self, now: Micros, config: &BalanceConfig) -> Standing {
        if let Standing::Returning { since } = self.standing
            && now.saturating_sub(since) >= micros(config.slow_start)
        {
            self.standing = Standing::Available;
            self.ejections = 0;
        }
        self.standing
    }

    /// Whether the endpoint is ejected, its probes included.
    pub(super) const fn is_ejected(&self) -> bool {
        matches!(self.standing, Standing::Ejected { .. })
    }

    /// Since when the endpoint is ejected, if it is.
    pub(super) const fn ejected_since(&self) -> Option<Micros> {
        match self.standing {
            Standing::Ejected { since, .. } => Some(since),
            Standing::Available | Standing::Returning { .. } => None,
        }
    }

    /// Brings an ejected endpoint back that has not proved itself.
    pub(super) const fn bring_back(&mut self, now: Micros) {
        self.standing = Standing::Returning { since: now };
        self.failures_in_a_row = 0;
    }

    /// Whether a probe is due: the ejection is over and no other probe is under way.
    pub(super) const fn wants_probe(&self, now: Micros) -> bool {
        matches!(self.standing, Standing::Ejected { until, .. } if now >= until)
            && !self.probe_in_flight
    }

    pub(super) const fn begin_probe(&mut self) {
        self.probe_in_flight = true;
    }

    pub(super) const fn end_probe(&mut self) {
        self.probe_in_flight = false;
    }

    /// Takes in a success; `true` if it brings the endpoint back. The success of a call that
    /// began before the ejection says nothing about now.
    pub(super) fn succeeded(&mut self, started: Micros, now: Micros) -> bool {
        match self.standing {
            Standing::Ejected { since, .. } if started >= since => {
                self.bring_back(now);
                true
            }
            Standing::Ejected { .. } => false,
            Standing::Available | Standing::Returning { .. } => {
                self.failures_in_a_row = 0;
                false
            }
        }
    }

    /// Takes in a failure.
    pub(super) fn failed(&mut self, started: Micros, now: Micros, config: &BalanceConfig) -> Wish {
        match self.standing(now, config) {
            // What began before the ejection, or fails while it lasts, is no news; and so is
            // what began before the return. Whoever was ejected for its success rate fails its
            // probes by the same rule as everybody else.
            Standing::Ejected { since, until } if started < since || now < until => Wish::Keep,
            Standing::Returning { since } if started < since => Wish::Keep,
            Standing::Ejected { .. } | Standing::Returning { .. } => Wish::Eject,
            Standing::Available => {
                self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
                match config.consecutive_failures {
                    Some(threshold) if self.failures_in_a_row >= threshold => Wish::Eject,
                    _ => Wish::Keep,
                }
            }
        }
    }

    /// Ejects the endpoint; returns for how long, in microseconds.
    pub(super) fn eject(&mut self, now: Micros, config: &BalanceConfig) -> Micros {
        let doubled = 1_u64.checked_shl(self.ejections).unwrap_or(u64::MAX);
        let length = micros(config.ejection)
            .saturating_mul(doubled)
            .min(micros(config.maximum_ejection));
        self.ejections = self.ejections.saturating_add(1);
        self.failures_in_a_row = 0;
        self.standing = Standing::Ejected {
            since: now,
            until: now.saturating_add(length),
        };
        length
    }
}

/// The share of its calls that an endpoint gets which came back at `since`.
pub(super) fn returning_share(since: Micros, now: Micros, config: &BalanceConfig) -> f64 {
    let passed = now.saturating_sub(since) as f64;
    let whole = micros(config.slow_start).max(1) as f64;
    (FIRST_SHARE + (1.0 - FIRST_SHARE) * passed / whole).min(1.0)
}

pub(super) fn micros(duration: std::time::Duration) -> Micros {
    Micros::try_from(duration.as_micros()).unwrap_or(Micros::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Micros = 1_000_000;

    fn ejected(config: &BalanceConfig) -> Health {
        let mut health = Health::new();
        assert_eq!(health.failed(0, 1, config), Wish::Keep);
        assert_eq!(health.failed(0, 2, config), Wish::Keep);
        assert_eq!(health.failed(0, 3, config), Wish::Eject);
        assert_eq!(health.eject(3, config), SECOND);
        health
    }

    #[test]
    fn only_failures_in_a_row_eject() {
        let config = BalanceConfig::default();
        let mut health = Health::new();
        for round in 0..10 {
            assert_eq!(health.failed(round, round, &config), Wish::Keep);
            assert_eq!(health.failed(round, round, &config), Wish::Keep);
            assert!(!health.succeeded(round, round));
        }
        ejected(&config);
    }

    #[test]
    fn without_a_threshold_nothing_is_ejected() {
        let config = BalanceConfig::new().consecutive_failures(None);
        let mut health = Health::new();
        assert!((0..100).all(|now| health.failed(now, now, &config) == Wish::Keep));
    }

    #[test]
    fn a_failed_probe_ejects_again_whichever_rule_ejected_first() {
        let config = BalanceConfig::new().consecutive_failures(None);
        let mut health = Health::new();
        assert_eq!(health.eject(3, &config), SECOND);
        let probe = 3 + SECOND;
        assert_eq!(health.failed(probe, probe, &config), Wish::Eject);
        assert_eq!(health.eject(probe, &config), 2 * SECOND);
        assert!(!health.wants_probe(probe));
    }

    #[test]
    fn results_of_calls_from_before_the_ejection_change_nothing() {
        let config = BalanceConfig::default();
        let mut health = ejected(&config);
        assert!(!health.succeeded(2, 10));
        assert_eq!(health.failed(2, 2 * SECOND, &config), Wish::Keep);
        assert!(health.is_ejected());
    }

    #[test]
    fn one_probe_at_a_time_after_the_ejection() {
        let config = BalanceConfig::default();
        let mut health = ejected(&config);
        assert!(!health.wants_probe(SECOND));
        assert!(health.wants_probe(SECOND + 3));
        health.begin_probe();
        assert!(!health.wants_probe(SECOND + 3));
        health.end_probe();
        assert!(health.wants_probe(SECOND + 3));
    }

    #[test]
    fn failed_probes_double_the_ejection_up_to_the_maximum() {
        let config = BalanceConfig::default();
        let mut health = ejected(&config);
        let mut now = 3 + SECOND;
        for expected in [2, 4, 8, 10, 10] {
            assert_eq!(health.failed(now, now, &config), Wish::Eject);
            assert_eq!(health.eject(now, &config), expected * SECOND);
            now += expected * SECOND;
        }
    }

    #[test]
    fn the_share_grows_after_the_return_and_one_failure_ends_it() {
        let config = BalanceConfig::default();
        let mut health = ejected(&config);
        assert!(health.succeeded(2 * SECOND, 2 * SECOND));
        let share = |now| returning_share(2 * SECOND, now, &config);
        assert!((share(2 * SECOND) - 0.1).abs() < 1e-9);
        assert!((share(3_500_000) - 0.55).abs() < 1e-9);
        assert!((share(9 * SECOND) - 1.0).abs() < 1e-9);
        assert_eq!(health.failed(SECOND, 3 * SECOND, &config), Wish::Keep);
        assert_eq!(health.failed(3 * SECOND, 3 * SECOND, &config), Wish::Eject);
    }

    #[test]
    fn a_full_return_forgets_earlier_ejections() {
        let config = BalanceConfig::default();
        let mut health = ejected(&config);
        assert!(health.succeeded(2 * SECOND, 2 * SECOND));
        assert_eq!(health.standing(5 * SECOND, &config), Standing::Available);
        assert_eq!(health.eject(6 * SECOND, &config), SECOND);
    }
}
