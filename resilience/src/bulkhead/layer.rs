//! The layer and its builder.

use std::sync::Arc;

use tower_layer::Layer;

use super::config::BulkheadConfig;
use super::places::Places;
use super::service::Bulkhead;
use crate::classify::AnyAnswer;
use crate::concurrency::LimitHandle;
use crate::config::ConfigError;
use crate::telemetry::Telemetry;

/// Puts services into one bulkhead.
///
/// Every service that the same layer, or a clone of it, is applied to shares the places.
/// See the [module docs](super) for an example.
#[derive(Debug, Clone)]
pub struct BulkheadLayer<C = AnyAnswer> {
    places: Arc<Places>,
    classify: C,
}

impl BulkheadLayer {
    /// Begins a bulkhead called `name`: the name that metrics, events and errors use.
    pub fn builder(name: impl Into<String>) -> BulkheadBuilder {
        BulkheadBuilder {
            name: name.into(),
            config: BulkheadConfig::default(),
            telemetry: Telemetry::default(),
            classify: AnyAnswer,
        }
    }
}

impl<C> BulkheadLayer<C> {
    /// The bulkhead, to look at.
    pub fn handle(&self) -> LimitHandle {
        self.places.handle()
    }
}

impl<S, C: Clone> Layer<S> for BulkheadLayer<C> {
    type Service = Bulkhead<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        Bulkhead::new(inner, Arc::clone(&self.places), self.classify.clone())
    }
}

/// Builds a [`BulkheadLayer`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct BulkheadBuilder<C = AnyAnswer> {
    name: String,
    config: BulkheadConfig,
    telemetry: Telemetry,
    classify: C,
}

impl<C> BulkheadBuilder<C> {
    /// The numbers of the bulkhead.
    pub const fn config(mut self, config: BulkheadConfig) -> Self {
        self.config = config;
        self
    }

    /// Where metrics and events go (default: nowhere).
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// What was answered well: an adaptive limit learns from how long that takes, and from
    /// nothing else (default: any answer; a [`HttpClassify`](crate::classify::HttpClassify) leaves
    /// out server errors, too).
    pub fn classify<D>(self, classify: D) -> BulkheadBuilder<D> {
        BulkheadBuilder {
            name: self.name,
            config: self.config,
            telemetry: self.telemetry,
            classify,
        }
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// A value that cannot be, with its name and what would be right.
    pub fn build(self) -> Result<BulkheadLayer<C>, ConfigError> {
        self.config.check()?;
        let places = Places::new(self.name.into(), self.config, self.telemetry);
        Ok(BulkheadLayer {
            places: Arc::new(places),
            classify: self.classify,
        })
    }
}
