//! The layer and its builder.

use std::sync::Arc;

use tower_layer::Layer;

use super::config::BalanceConfig;
use super::service::Balance;
use super::shared::Shared;
use super::source::EndpointSource;
use super::status::EndpointStatus;
use crate::classify::HttpClassify;
use crate::config::ConfigError;
use crate::telemetry::Telemetry;

/// Wraps a transport into a [`Balance`]; all services it makes share one state.
#[derive(Debug, Clone)]
pub struct BalanceLayer<C = HttpClassify> {
    shared: Arc<Shared>,
    classify: C,
}

impl BalanceLayer {
    /// Begins a balancer for the client called `name`.
    pub fn builder(name: impl Into<String>) -> BalanceBuilder {
        BalanceBuilder {
            name: name.into(),
            endpoints: EndpointSource::default(),
            config: BalanceConfig::default(),
            seed: 0,
            telemetry: Telemetry::default(),
            classify: HttpClassify::default(),
        }
    }
}

/// Looks at the endpoints of a balancer.
#[derive(Debug, Clone)]
pub struct BalanceHandle {
    shared: Arc<Shared>,
}

impl BalanceHandle {
    /// How each endpoint stands, in the order of the list.
    pub fn endpoints(&self) -> Vec<EndpointStatus> {
        self.shared.status()
    }
}

impl<C> BalanceLayer<C> {
    /// Looks at the endpoints.
    pub fn handle(&self) -> BalanceHandle {
        BalanceHandle {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S, C: Clone> Layer<S> for BalanceLayer<C> {
    type Service = Balance<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        Balance::new(inner, Arc::clone(&self.shared), self.classify.clone())
    }
}

/// Builds a [`BalanceLayer`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct BalanceBuilder<C = HttpClassify> {
    name: String,
    endpoints: EndpointSource,
    config: BalanceConfig,
    seed: u64,
    telemetry: Telemetry,
    classify: C,
}

impl<C> BalanceBuilder<C> {
    /// The endpoints to choose from: a fixed list, or one that is followed.
    pub fn endpoints(mut self, endpoints: impl Into<EndpointSource>) -> Self {
        self.endpoints = endpoints.into();
        self
    }

    /// The numbers of the balancer.
    pub fn config(mut self, config: BalanceConfig) -> Self {
        self.config = config;
        self
    }

    /// The seed of the choice (default 0).
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Where metrics and events go (default: nowhere).
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// What counts as a failure of an endpoint (default: server errors and errors).
    pub fn classify<D>(self, classify: D) -> BalanceBuilder<D> {
        BalanceBuilder {
            name: self.name,
            endpoints: self.endpoints,
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
    /// A number that the balancer cannot work with.
    pub fn build(self) -> Result<BalanceLayer<C>, ConfigError> {
        self.config.check()?;
        let shared = Shared::new(
            self.name,
            self.endpoints,
            self.config,
            self.seed,
            self.telemetry,
        );
        Ok(BalanceLayer {
            shared: Arc::new(shared),
            classify: self.classify,
        })
    }
}
