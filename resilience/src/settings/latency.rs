//! Settings of what follows the latencies: hedges, adaptive timeouts and adaptive limits.

use serde::{Deserialize, Serialize};

use super::{BudgetSettings, Span};
use crate::concurrency::AdaptiveLimit;
use crate::hedge::HedgeConfig;
use crate::quantile::QuantileConfig;
use crate::timeout::AdaptiveTimeout;

/// What can be set of hedges; see [`HedgeConfig`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct HedgeSettings {
    /// After how long without an answer a hedge starts; with a `quantile`, until that is known.
    pub delay: Span,
    /// Which quantile of the latencies is the delay, above 0 and below 1.
    pub quantile: Option<f64>,
    /// How many hedges one call may have.
    pub maximum_hedges: Option<u32>,
    /// How many hedges the client allows itself.
    pub budget: Option<BudgetSettings>,
}

/// What can be set of an adaptive timeout; see [`AdaptiveTimeout`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AdaptiveTimeoutSettings {
    /// Which quantile of the latencies, above 0 and below 1.
    pub quantile: f64,
    /// By how much it is multiplied, 1 to 100.
    pub factor: Option<f64>,
    /// The shortest time that an attempt is given.
    pub minimum: Option<Span>,
}

/// What can be set of an adaptive limit; see [`AdaptiveLimit`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct AdaptiveLimitSettings {
    /// As many at once as take less than this on average; without it, as many as are worked on
    /// without a queue.
    pub latency: Option<Span>,
    /// The least it may become.
    pub minimum: Option<usize>,
    /// The most it may become.
    pub maximum: Option<usize>,
}

impl HedgeSettings {
    pub(super) fn config(&self) -> HedgeConfig {
        let Span(delay) = self.delay;
        let mut config = match self.quantile {
            Some(quantile) => HedgeConfig::after_quantile(QuantileConfig::new(quantile), delay),
            None => HedgeConfig::after(delay),
        };
        if let Some(hedges) = self.maximum_hedges {
            config = config.maximum_hedges(hedges);
        }
        if let Some(budget) = self.budget {
            config = config.budget(budget.ratio, budget.minimum_per_second);
        }
        config
    }
}

impl AdaptiveTimeoutSettings {
    pub(super) fn config(&self) -> AdaptiveTimeout {
        let mut config = AdaptiveTimeout::new(QuantileConfig::new(self.quantile));
        if let Some(factor) = self.factor {
            config = config.factor(factor);
        }
        if let Some(Span(minimum)) = self.minimum {
            config = config.minimum(minimum);
        }
        config
    }
}

impl AdaptiveLimitSettings {
    pub(super) fn config(&self) -> AdaptiveLimit {
        let limit = match self.latency {
            Some(Span(latency)) => AdaptiveLimit::aimd(latency),
            None => AdaptiveLimit::gradient(),
        };
        let (minimum, maximum) = limit.present_bounds();
        limit.bounds(
            self.minimum.unwrap_or(minimum),
            self.maximum.unwrap_or(maximum),
        )
    }
}
