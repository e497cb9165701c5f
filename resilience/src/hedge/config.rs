//! The numbers of a hedge.

use std::time::Duration;

use crate::config::{Checks, ConfigError};
use crate::quantile::QuantileConfig;

/// When a hedge starts, and how many there may be.
#[derive(Debug, Clone, Copy, PartialEq)]
#[must_use]
pub struct HedgeConfig {
    pub(super) delay: Delay,
    pub(super) maximum_hedges: u32,
    pub(super) shortest_attempt: Duration,
    pub(super) budget_ratio: f64,
    pub(super) budget_minimum: u32,
}

/// After how long without an answer a hedge starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Delay {
    Fixed(Duration),
    Quantile {
        config: QuantileConfig,
        until_known: Duration,
    },
}

impl HedgeConfig {
    /// A hedge starts after `delay` without an answer.
    pub const fn after(delay: Duration) -> Self {
        Self {
            delay: Delay::Fixed(delay),
            maximum_hedges: 1,
            shortest_attempt: Duration::from_millis(5),
            budget_ratio: 0.1,
            budget_minimum: 1,
        }
    }

    /// A hedge starts when a call takes longer than a quantile of the recent ones, and after
    /// `until_known` as long as there are too few of them. With the 95th percentile about one
    /// call of twenty is hedged, which is what "The Tail at Scale" recommends.
    pub const fn after_quantile(config: QuantileConfig, until_known: Duration) -> Self {
        let mut hedge = Self::after(until_known);
        hedge.delay = Delay::Quantile {
            config,
            until_known,
        };
        hedge
    }

    /// How many hedges one call may have (default 1); each starts after a further delay.
    pub const fn maximum_hedges(mut self, hedges: u32) -> Self {
        self.maximum_hedges = hedges;
        self
    }

    /// What an attempt needs at least (default 5 ms): with less left before the deadline no
    /// hedge starts.
    pub const fn shortest_attempt(mut self, time: Duration) -> Self {
        self.shortest_attempt = time;
        self
    }

    /// How many hedges the client allows itself over ten seconds: `ratio` of its calls (default
    /// 0.1, 0 to 10: twice what the 95th percentile needs) and `minimum_per_second` for each of
    /// the seconds (default 1, so that a quiet client can hedge at all).
    pub const fn budget(mut self, ratio: f64, minimum_per_second: u32) -> Self {
        self.budget_ratio = ratio;
        self.budget_minimum = minimum_per_second;
        self
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let checks = Checks("hedge");
        match self.delay {
            Delay::Fixed(delay) => checks.is_positive("delay", delay)?,
            Delay::Quantile {
                config,
                until_known,
            } => {
                config.check("hedge")?;
                checks.is_positive("delay", until_known)?;
            }
        }
        checks.is_at_least_one("maximum_hedges", self.maximum_hedges)?;
        checks.is_within("budget ratio", self.budget_ratio, 0.0, 10.0)
    }
}
