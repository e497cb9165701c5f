//! The builder.

use std::sync::Arc;

use tokio::time::Instant;

use super::breaker::Breaker;
use super::config::CircuitBreakerConfig;
use super::layer::CircuitBreakerLayer;
use super::observer::Observer;
use crate::classify::HttpClassify;
use crate::config::ConfigError;
use crate::telemetry::Telemetry;

/// Builds a [`CircuitBreakerLayer`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct CircuitBreakerBuilder<C = HttpClassify> {
    name: String,
    config: CircuitBreakerConfig,
    seed: u64,
    telemetry: Telemetry,
    classify: C,
}

impl CircuitBreakerBuilder {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            config: CircuitBreakerConfig::default(),
            seed: 0,
            telemetry: Telemetry::default(),
            classify: HttpClassify::default(),
        }
    }
}

impl<C> CircuitBreakerBuilder<C> {
    /// The rules of the breaker.
    pub fn config(mut self, config: CircuitBreakerConfig) -> Self {
        self.config = config;
        self
    }

    /// The seed of the default backoff's jitter (default 0).
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Where metrics and events go (default: nowhere).
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// What counts as a failure (default: server errors and errors, but not what the
    /// middleware itself rejects).
    pub fn classify<D>(self, classify: D) -> CircuitBreakerBuilder<D> {
        CircuitBreakerBuilder {
            name: self.name,
            config: self.config,
            seed: self.seed,
            telemetry: self.telemetry,
            classify,
        }
    }

    /// The layer, closed.
    ///
    /// # Errors
    ///
    /// A value that cannot be, with its name and what would be right.
    pub fn build(self) -> Result<CircuitBreakerLayer<C>, ConfigError> {
        self.config.check()?;
        let machine = self.config.machine(self.seed, Instant::now());
        let observer = Observer::new(&self.name, self.telemetry);
        let slow_threshold = self.config.slow_threshold();
        let breaker = Breaker::new(self.name.into(), machine, slow_threshold, observer);
        Ok(CircuitBreakerLayer::new(Arc::new(breaker), self.classify))
    }
}
