//! The layer and its builder.

use std::sync::Arc;

use tower_layer::Layer;

use super::config::BulkheadConfig;
use super::places::Places;
use super::service::Bulkhead;
use crate::concurrency::LimitHandle;
use crate::config::ConfigError;
use crate::telemetry::Telemetry;

/// Puts services into one bulkhead.
///
/// Every service that the same layer, or a clone of it, is applied to shares the places.
/// See the [module docs](super) for an example.
#[derive(Debug, Clone)]
pub struct BulkheadLayer {
    places: Arc<Places>,
}

impl BulkheadLayer {
    /// Begins a bulkhead called `name`: the name that metrics, events and errors use.
    pub fn builder(name: impl Into<String>) -> BulkheadBuilder {
        BulkheadBuilder {
            name: name.into(),
            config: BulkheadConfig::default(),
            telemetry: Telemetry::default(),
        }
    }

    /// The bulkhead, to look at.
    pub fn handle(&self) -> LimitHandle {
        self.places.handle()
    }
}

impl<S> Layer<S> for BulkheadLayer {
    type Service = Bulkhead<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Bulkhead::new(inner, Arc::clone(&self.places))
    }
}

/// Builds a [`BulkheadLayer`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct BulkheadBuilder {
    name: String,
    config: BulkheadConfig,
    telemetry: Telemetry,
}

impl BulkheadBuilder {
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

    /// The layer.
    ///
    /// # Errors
    ///
    /// A value that cannot be, with its name and what would be right.
    pub fn build(self) -> Result<BulkheadLayer, ConfigError> {
        self.config.check()?;
        let places = Places::new(self.name.into(), self.config, self.telemetry);
        Ok(BulkheadLayer {
            places: Arc::new(places),
        })
    }
}
