//! The layer and its builder.

use std::sync::Arc;
use std::time::Duration;

use tower_layer::Layer;

use super::config::HedgeConfig;
use super::service::Hedge;
use super::shared::Shared;
use crate::classify::HttpClassify;
use crate::config::ConfigError;
use crate::retry::BudgetHandle;
use crate::telemetry::Telemetry;

/// Wraps a service into a [`Hedge`]; all services it makes share budget and latencies.
#[derive(Debug, Clone)]
pub struct HedgeLayer<C = HttpClassify> {
    shared: Arc<Shared>,
    classify: C,
}

impl HedgeLayer {
    /// Begins a hedge for the client called `name`.
    pub fn builder(name: impl Into<String>) -> HedgeBuilder {
        HedgeBuilder {
            name: name.into(),
            config: HedgeConfig::after(Duration::from_millis(100)),
            telemetry: Telemetry::default(),
            classify: HttpClassify::default(),
        }
    }
}

impl<C> HedgeLayer<C> {
    /// The budget, to look at.
    pub fn budget(&self) -> BudgetHandle {
        BudgetHandle::new(Arc::<Shared>::clone(&self.shared))
    }
}

impl<S, C: Clone> Layer<S> for HedgeLayer<C> {
    type Service = Hedge<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        Hedge::new(inner, Arc::clone(&self.shared), self.classify.clone())
    }
}

/// Builds a [`HedgeLayer`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct HedgeBuilder<C = HttpClassify> {
    name: String,
    config: HedgeConfig,
    telemetry: Telemetry,
    classify: C,
}

impl<C> HedgeBuilder<C> {
    /// When a hedge starts (default: after 100 ms).
    pub fn config(mut self, config: HedgeConfig) -> Self {
        self.config = config;
        self
    }

    /// Where metrics and events go (default: nowhere).
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// What a good answer is (default: anything but server errors and errors).
    pub fn classify<D>(self, classify: D) -> HedgeBuilder<D> {
        HedgeBuilder {
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
    /// A number that the hedge cannot work with.
    pub fn build(self) -> Result<HedgeLayer<C>, ConfigError> {
        let shared = Shared::new(self.name, self.config, self.telemetry)?;
        Ok(HedgeLayer {
            shared: Arc::new(shared),
            classify: self.classify,
        })
    }
}
