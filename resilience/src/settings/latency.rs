//! Settings of what follows the latencies: hedges, adaptive timeouts and adaptive limits.

use serde::{Deserialize, Serialize};

use super::{BudgetSettings, Mistake, Span};
use crate::concurrency::AdaptiveLimit;
use crate::hedge::HedgeConfig;
use crate::quantile::QuantileConfig;
use crate::timeout::AdaptiveTimeout;

/// What can be set of hedges; see [`HedgeConfig`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct HedgeSettings {
    /// After how long without an answer a hedge starts; with a `quantile`, until that is known.
    pub delay: Span,
    /// Which quantile of the latencies is the delay, above 0 and below 1.
    pub quantile: Option<f64>,
    /// Over how long the latencies of the quantile are kept (default 30 s).
    pub window: Option<Span>,
    /// Below so many of them there is no quantile (default 50).
    pub minimum_samples: Option<u32>,
    /// How many hedges one call may have (default 1).
    pub maximum_hedges: Option<u32>,
    /// What an attempt needs at least (default 5 ms).
    pub shortest_attempt: Option<Span>,
    /// How many hedges the client allows itself (default: a tenth of its calls and one a
    /// second).
    pub budget: Option<BudgetSettings>,
}

/// What can be set of an adaptive timeout; see [`AdaptiveTimeout`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AdaptiveTimeoutSettings {
    /// Which quantile of the latencies, above 0 and below 1.
    pub quantile: f64,
    /// Over how long latencies are kept (default 30 s).
    pub window: Option<Span>,
    /// Below so many of them the timeout is the fixed one (default 50).
    pub minimum_samples: Option<u32>,
    /// By how much it is multiplied, 1 to 100 (default 3).
    pub factor: Option<f64>,
    /// The shortest time that an attempt is given (default 10 ms).
    pub minimum: Option<Span>,
}

/// What can be set of an adaptive limit; see [`AdaptiveLimit`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct AdaptiveLimitSettings {
    /// As many at once as take less than this on average; without it, as many as are worked on
    /// without a queue.
    pub latency: Option<Span>,
    /// The least it may become (default 4).
    pub minimum: Option<usize>,
    /// The most it may become (default 1,000).
    pub maximum: Option<usize>,
    /// For how long calls are measured before it moves (default 100 ms).
    pub window: Option<Span>,
    /// How often it is measured anew how long calls take without a queue (default 30 s); not
    /// together with `latency`, which needs no such measure.
    pub remeasure_every: Option<Span>,
}

/// A quantile of the latencies of some time.
fn quantile_of(quantile: f64, window: Option<Span>, samples: Option<u32>) -> QuantileConfig {
    let mut config = QuantileConfig::new(quantile);
    if let Some(Span(window)) = window {
        config = config.window(window);
    }
    if let Some(samples) = samples {
        config = config.minimum_samples(samples);
    }
    config
}

impl HedgeSettings {
    /// What they say of a quantile that there is not.
    pub(super) fn contradiction(&self) -> Option<Mistake> {
        let key = match (self.quantile, self.window, self.minimum_samples) {
            (None, Some(_), _) => "window",
            (None, None, Some(_)) => "minimum_samples",
            _ => return None,
        };
        Some(Mistake::without(key, "quantile"))
    }

    pub(super) fn config(&self) -> HedgeConfig {
        let Span(delay) = self.delay;
        let mut config = match self.quantile {
            Some(quantile) => {
                let quantile = quantile_of(quantile, self.window, self.minimum_samples);
                HedgeConfig::after_quantile(quantile, delay)
            }
            None => HedgeConfig::after(delay),
        };
        if let Some(hedges) = self.maximum_hedges {
            config = config.maximum_hedges(hedges);
        }
        if let Some(Span(time)) = self.shortest_attempt {
            config = config.shortest_attempt(time);
        }
        if let Some(budget) = self.budget {
            config = config.budget(budget.ratio, budget.minimum_per_second);
        }
        config
    }
}

impl AdaptiveTimeoutSettings {
    pub(super) fn config(&self) -> AdaptiveTimeout {
        let quantile = quantile_of(self.quantile, self.window, self.minimum_samples);
        let mut config = AdaptiveTimeout::new(quantile);
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
        let mut limit = limit.bounds(
            self.minimum.unwrap_or(minimum),
            self.maximum.unwrap_or(maximum),
        );
        if let Some(Span(window)) = self.window {
            limit = limit.window(window);
        }
        if let Some(Span(time)) = self.remeasure_every {
            limit = limit.remeasure_every(time);
        }
        limit
    }

    /// What they say twice.
    pub(super) fn contradiction(&self) -> Option<Mistake> {
        self.latency.zip(self.remeasure_every)?;
        Some(Mistake::beside("remeasure_every", "latency"))
    }
}
