//! What all clones of a hedge share.

use std::sync::Arc;
use std::time::Duration;

use super::config::{Delay, HedgeConfig};
use crate::config::ConfigError;
use crate::quantile::LatencyQuantile;
use crate::retry::{Budget, HasBudget, Withdrawal};
use crate::telemetry::{Counter, Event, Telemetry, names};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) name: Arc<str>,
    pub(super) config: HedgeConfig,
    latencies: Option<LatencyQuantile>,
    budget: Budget,
    won: Counter,
    lost: Counter,
    no_budget: Counter,
    no_time: Counter,
    telemetry: Telemetry,
}

impl HasBudget for Shared {
    fn name(&self) -> &str {
        &self.name
    }

    fn budget(&self) -> &Budget {
        &self.budget
    }
}

impl Shared {
    pub(super) fn new(
        name: String,
        config: HedgeConfig,
        telemetry: Telemetry,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let result = |result| telemetry.counter(&names::HEDGES, &[&name, result]);
        let latencies = match config.delay {
            Delay::Fixed(_) => None,
            Delay::Quantile { config, .. } => Some(LatencyQuantile::new(config)?),
        };
        Ok(Self {
            latencies,
            budget: Budget::new(config.budget_ratio, config.budget_minimum),
            won: result("won"),
            lost: result("lost"),
            no_budget: result("no-budget"),
            no_time: result("no-time"),
            telemetry,
            config,
            name: name.into(),
        })
    }

    /// Counts a call in.
    pub(super) fn deposit(&self) {
        self.budget.deposit();
    }

    /// After how long without an answer a hedge starts.
    pub(super) fn delay(&self) -> Duration {
        match (self.config.delay, &self.latencies) {
            (Delay::Quantile { until_known, .. }, Some(latencies)) => {
                latencies.value().unwrap_or(until_known)
            }
            (
                Delay::Fixed(delay)
                | Delay::Quantile {
                    until_known: delay, ..
                },
                _,
            ) => delay,
        }
    }

    pub(super) fn record(&self, latency: Duration) {
        if let Some(latencies) = &self.latencies {
            latencies.record(latency);
        }
    }

    /// Asks for one hedge with so much time `left`.
    pub(super) fn may_hedge(&self, left: Option<Duration>) -> bool {
        if left.is_some_and(|left| left < self.config.shortest_attempt) {
            self.no_time.increment();
            return false;
        }
        if self.budget.withdraw() != Withdrawal::Granted {
            self.no_budget.increment();
            return false;
        }
        self.telemetry.tell(|| Event::Hedged {
            client: self.name.as_ref().to_owned(),
        });
        true
    }

    /// A call that was hedged has its answer.
    pub(super) fn hedged(&self, hedge_won: bool) {
        if hedge_won {
            self.won.increment();
        } else {
            self.lost.increment();
        }
    }
}
