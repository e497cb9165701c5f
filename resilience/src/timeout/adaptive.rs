//! A timeout that follows what the dependency usually takes.

use std::time::Duration;

use crate::config::{Checks, ConfigError};
use crate::quantile::{LatencyQuantile, QuantileConfig};

/// The time of an attempt as a multiple of a quantile of the recent latencies, within bounds.
///
/// The upper bound is the timeout that the layer is built with. It holds as long as too few
/// latencies are known. What counts are attempts that were answered, however, and those that
/// timed out, with the time that they were given: without these the quantile would sink with
/// every timeout, and the timeout with it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[must_use]
pub struct AdaptiveTimeout {
    quantile: QuantileConfig,
    factor: f64,
    minimum: Duration,
}

impl AdaptiveTimeout {
    /// Three times this quantile, and at least 10 ms. Three times the 99th percentile is what
    /// most latencies stay below whose tail is long but not broken.
    pub const fn new(quantile: QuantileConfig) -> Self {
        Self {
            quantile,
            factor: 3.0,
            minimum: Duration::from_millis(10),
        }
    }

    /// By how much the quantile is multiplied, 1 to 100 (default 3).
    pub const fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// The shortest time that an attempt is given (default 10 ms).
    pub const fn minimum(mut self, minimum: Duration) -> Self {
        self.minimum = minimum;
        self
    }

    fn check(&self, maximum: Duration) -> Result<(), ConfigError> {
        let checks = Checks("timeout");
        checks.is_within("factor", self.factor, 1.0, 100.0)?;
        checks.is_positive("minimum", self.minimum)?;
        checks.is_at_most("minimum", self.minimum, maximum)?;
        self.quantile.check("timeout")
    }
}

/// How long the next attempt may take.
#[derive(Debug)]
pub(super) struct Patience {
    maximum: Duration,
    adaptive: Option<(AdaptiveTimeout, LatencyQuantile)>,
}

impl Patience {
    pub(super) fn new(
        maximum: Duration,
        adaptive: Option<AdaptiveTimeout>,
    ) -> Result<Self, ConfigError> {
        Checks("timeout").is_positive("timeout", maximum)?;
        let adaptive = adaptive
            .map(|adaptive| {
                adaptive.check(maximum)?;
                Ok((adaptive, LatencyQuantile::new(adaptive.quantile)?))
            })
            .transpose()?;
        Ok(Self { maximum, adaptive })
    }

    pub(super) fn present(&self) -> Duration {
        let Some((adaptive, latencies)) = &self.adaptive else {
            return self.maximum;
        };
        let Some(quantile) = latencies.value() else {
            return self.maximum;
        };
        let wished = Duration::try_from_secs_f64(quantile.as_secs_f64() * adaptive.factor);
        wished
            .unwrap_or(self.maximum)
            .clamp(adaptive.minimum, self.maximum)
    }

    pub(super) const fn learns(&self) -> bool {
        self.adaptive.is_some()
    }

    pub(super) fn learn(&self, latency: Duration) {
        if let Some((_, latencies)) = &self.adaptive {
            latencies.record(latency);
        }
    }
}
