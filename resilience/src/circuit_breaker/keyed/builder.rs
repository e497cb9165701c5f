//! The builder.

use std::sync::Arc;

use super::super::config::CircuitBreakerConfig;
use super::super::errors::{Boxed, Typed};
use super::super::tracking::{AtEnd, AtHead};
use super::layer::KeyedCircuitBreakerLayer;
use super::registry::Registry;
use crate::classify::HttpClassify;
use crate::config::{Checks, ConfigError};
use crate::telemetry::Telemetry;

/// How many breakers there are unless the builder says otherwise: as many endpoints as one
/// client reasonably has, and below the bound on label sets of one metric.
const MAXIMUM: u32 = 100;

/// Builds a [`KeyedCircuitBreakerLayer`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct KeyedCircuitBreakerBuilder<K, C = HttpClassify, T = AtHead, E = Boxed> {
    name: String,
    key: K,
    config: CircuitBreakerConfig,
    maximum: u32,
    seed: u64,
    telemetry: Telemetry,
    classify: C,
    tracking: T,
    errors: E,
}

impl<K> KeyedCircuitBreakerBuilder<K> {
    pub(super) fn new(name: String, key: K) -> Self {
        Self {
            name,
            key,
            config: CircuitBreakerConfig::default(),
            maximum: MAXIMUM,
            seed: 0,
            telemetry: Telemetry::default(),
            classify: HttpClassify::default(),
            tracking: AtHead::default(),
            errors: Boxed,
        }
    }
}

impl<K, C, T, E> KeyedCircuitBreakerBuilder<K, C, T, E> {
    /// What metrics, events and settings call them.
    #[cfg(feature = "settings")]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The rules of every breaker.
    pub fn config(mut self, config: CircuitBreakerConfig) -> Self {
        self.config = config;
        self
    }

    /// How many keys have a breaker of their own at most (default 100). When all are taken, the
    /// closed ones that are not used make room, once a second at most; until then further keys
    /// share one breaker, and so does a key of more than 256 bytes in any case.
    pub const fn maximum_keys(mut self, maximum: u32) -> Self {
        self.maximum = maximum;
        self
    }

    /// The seed of the default backoff's jitter (default 0); each key draws from its own stream.
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
    pub fn classify<D>(self, classify: D) -> KeyedCircuitBreakerBuilder<K, D, T, E> {
        KeyedCircuitBreakerBuilder {
            name: self.name,
            key: self.key,
            config: self.config,
            maximum: self.maximum,
            seed: self.seed,
            telemetry: self.telemetry,
            classify,
            tracking: self.tracking,
            errors: self.errors,
        }
    }

    /// A good call ends with its body and not with the head of its answer.
    pub fn track_bodies(self) -> KeyedCircuitBreakerBuilder<K, C, AtEnd, E> {
        KeyedCircuitBreakerBuilder {
            name: self.name,
            key: self.key,
            config: self.config,
            maximum: self.maximum,
            seed: self.seed,
            telemetry: self.telemetry,
            classify: self.classify,
            tracking: AtEnd::default(),
            errors: self.errors,
        }
    }

    /// The caller gets a [`BreakerError`](crate::circuit_breaker::BreakerError) with the error of the service as it
    /// is, instead of a [`BoxError`](crate::BoxError): a rejection then allocates nothing. What
    /// counts as a failure is judged by the error as it is, too.
    pub fn typed_errors(self) -> KeyedCircuitBreakerBuilder<K, C, T, Typed> {
        KeyedCircuitBreakerBuilder {
            name: self.name,
            key: self.key,
            config: self.config,
            maximum: self.maximum,
            seed: self.seed,
            telemetry: self.telemetry,
            classify: self.classify,
            tracking: self.tracking,
            errors: Typed,
        }
    }

    /// The layer, without any breaker yet.
    ///
    /// # Errors
    ///
    /// A value that cannot be, with its name and what would be right.
    pub fn build(self) -> Result<KeyedCircuitBreakerLayer<K, C, T, E>, ConfigError> {
        self.config.check()?;
        Checks("circuit breaker").is_at_least_one("maximum_keys", self.maximum)?;
        let registry = Registry::new(
            self.name,
            self.config,
            self.seed,
            self.telemetry,
            self.maximum as usize,
        );
        Ok(KeyedCircuitBreakerLayer::new(
            Arc::new(registry),
            self.key,
            self.classify,
            self.tracking,
            self.errors,
        ))
    }
}
