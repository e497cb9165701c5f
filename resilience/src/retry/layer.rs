//! The layer and its builder.

use std::sync::Arc;

use tower_layer::Layer;

use super::config::RetryConfig;
use super::handle::BudgetHandle;
use super::service::Retry;
use super::shared::Shared;
use crate::classify::HttpClassify;
use crate::config::ConfigError;
use crate::telemetry::Telemetry;

/// Wraps a service into a [`Retry`]; all services it makes share one budget.
#[derive(Debug, Clone)]
pub struct RetryLayer<C = HttpClassify> {
    shared: Arc<Shared>,
    classify: C,
}

impl RetryLayer {
    /// Begins a retry for the client called `name`.
    pub fn builder(name: impl Into<String>) -> RetryBuilder {
        RetryBuilder {
            name: name.into(),
            config: RetryConfig::default(),
            seed: 0,
            telemetry: Telemetry::default(),
            classify: HttpClassify::default(),
        }
    }
}

impl<C> RetryLayer<C> {
    /// The budget, to look at.
    pub fn budget(&self) -> BudgetHandle {
        BudgetHandle::new(Arc::<Shared>::clone(&self.shared))
    }
}

impl<S, C: Clone> Layer<S> for RetryLayer<C> {
    type Service = Retry<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        Retry::new(inner, Arc::clone(&self.shared), self.classify.clone())
    }
}

/// Builds a [`RetryLayer`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct RetryBuilder<C = HttpClassify> {
    name: String,
    config: RetryConfig,
    seed: u64,
    telemetry: Telemetry,
    classify: C,
}

impl<C> RetryBuilder<C> {
    /// The numbers of the retry.
    pub fn config(mut self, config: RetryConfig) -> Self {
        self.config = config;
        self
    }

    /// The seed of the jitter (default 0).
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Where metrics and events go (default: nowhere).
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// What counts as a failed attempt (default: server errors and errors).
    pub fn classify<D>(self, classify: D) -> RetryBuilder<D> {
        RetryBuilder {
            name: self.name,
            config: self.config,
            seed: self.seed,
            telemetry: self.telemetry,
            classify,
        }
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// A number that the retry cannot work with.
    pub fn build(self) -> Result<RetryLayer<C>, ConfigError> {
        self.config.check()?;
        let shared = Shared::new(self.name, self.config, self.seed, self.telemetry);
        Ok(RetryLayer {
            shared: Arc::new(shared),
            classify: self.classify,
        })
    }
}
