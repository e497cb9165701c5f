//! The builder.

use std::sync::Arc;

use tokio::time::Instant;

use super::breaker::Breaker;
use super::config::CircuitBreakerConfig;
use super::errors::{Boxed, Typed};
use super::layer::CircuitBreakerLayer;
use super::observer::Observer;
use super::tracking::{AtEnd, AtHead};
use crate::classify::HttpClassify;
use crate::config::ConfigError;
use crate::telemetry::Telemetry;

/// Builds a [`CircuitBreakerLayer`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct CircuitBreakerBuilder<C = HttpClassify, T = AtHead, E = Boxed> {
    pub(super) name: String,
    pub(super) config: CircuitBreakerConfig,
    pub(super) seed: u64,
    pub(super) telemetry: Telemetry,
    pub(super) classify: C,
    pub(super) tracking: T,
    pub(super) errors: E,
}

impl CircuitBreakerBuilder {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            config: CircuitBreakerConfig::default(),
            seed: 0,
            telemetry: Telemetry::default(),
            classify: HttpClassify::default(),
            tracking: AtHead::default(),
            errors: Boxed,
        }
    }
}

impl<C, T, E> CircuitBreakerBuilder<C, T, E> {
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
    pub fn classify<D>(self, classify: D) -> CircuitBreakerBuilder<D, T, E> {
        CircuitBreakerBuilder {
            name: self.name,
            config: self.config,
            seed: self.seed,
            telemetry: self.telemetry,
            classify,
            tracking: self.tracking,
            errors: self.errors,
        }
    }

    /// A good call ends with its body and not with the head of its answer: a stream that breaks
    /// off counts as failed, see [`TrackedBody`](super::TrackedBody). For services whose answers
    /// are HTTP responses.
    pub fn track_bodies(self) -> CircuitBreakerBuilder<C, AtEnd, E> {
        self.tracking(AtEnd::default())
    }

    pub(crate) fn tracking<U>(self, tracking: U) -> CircuitBreakerBuilder<C, U, E> {
        CircuitBreakerBuilder {
            name: self.name,
            config: self.config,
            seed: self.seed,
            telemetry: self.telemetry,
            classify: self.classify,
            tracking,
            errors: self.errors,
        }
    }

    /// The caller gets a [`BreakerError`](super::BreakerError) with the error of the service as it
    /// is, instead of a [`BoxError`](crate::BoxError): a rejection then allocates nothing. What
    /// counts as a failure is judged by the error as it is, too.
    pub fn typed_errors(self) -> CircuitBreakerBuilder<C, T, Typed> {
        CircuitBreakerBuilder {
            name: self.name,
            config: self.config,
            seed: self.seed,
            telemetry: self.telemetry,
            classify: self.classify,
            tracking: self.tracking,
            errors: Typed,
        }
    }

    /// The layer, closed.
    ///
    /// # Errors
    ///
    /// A value that cannot be, with its name and what would be right.
    pub fn build(self) -> Result<CircuitBreakerLayer<C, T, E>, ConfigError> {
        self.config.check()?;
        let observer = Observer::new(&self.name, self.telemetry, Instant::now());
        let breaker = Breaker::new(self.name.into(), &self.config, self.seed, observer);
        let breaker = Arc::new(breaker);
        Ok(CircuitBreakerLayer::new(
            breaker,
            self.classify,
            self.tracking,
            self.errors,
        ))
    }
}
