//! The layer and its builder.

use std::sync::Arc;

use tower_layer::Layer;

use super::config::{Fallback, Kind};
use super::refresh::AtOnce;
use super::service::FallbackService;
use super::stand_in::StandIn;
use crate::classify::HttpClassify;
use crate::config::{Checks, ConfigError};
use crate::telemetry::Telemetry;

/// Puts stand-ins behind a client.
///
/// Every service that the same layer, or a clone of it, is applied to shares what is kept.
/// See the [module docs](super) for an example.
#[derive(Debug, Clone)]
pub struct FallbackLayer<C = HttpClassify> {
    shared: Arc<Shared>,
    classify: C,
}

/// What all clones share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) weight: f64,
    pub(super) stand_ins: Vec<StandIn>,
    /// What gives answers before the dependency is asked, if something does.
    pub(super) at_once: Option<AtOnce>,
    pub(super) telemetry: Telemetry,
}

impl FallbackLayer {
    /// Begins a fallback for the dependency called `name`: the name that the ledger,
    /// metrics and events use.
    pub fn builder(name: impl Into<String>) -> FallbackBuilder {
        FallbackBuilder {
            name: name.into(),
            fallback: Fallback::new(),
            weight: 1.0,
            telemetry: Telemetry::default(),
            classify: HttpClassify::default(),
        }
    }
}

impl<S, C: Clone> Layer<S> for FallbackLayer<C> {
    type Service = FallbackService<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        FallbackService::new(inner, Arc::clone(&self.shared), self.classify.clone())
    }
}

/// Builds a [`FallbackLayer`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct FallbackBuilder<C = HttpClassify> {
    name: String,
    fallback: Fallback,
    weight: f64,
    telemetry: Telemetry,
    classify: C,
}

impl<C> FallbackBuilder<C> {
    /// What stands in (default: nothing).
    pub fn fallback(mut self, fallback: Fallback) -> Self {
        self.fallback = fallback;
        self
    }

    /// The share of the caller's own answer that a call provides, 0 to 1 (default 1), for
    /// calls without a [`CallWeight`](crate::stack::CallWeight).
    pub const fn weight(mut self, weight: f64) -> Self {
        self.weight = weight;
        self
    }

    /// Where metrics and events go (default: nowhere).
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// Which answers are replaced (default: server errors).
    pub fn classify<D>(self, classify: D) -> FallbackBuilder<D> {
        FallbackBuilder {
            name: self.name,
            fallback: self.fallback,
            weight: self.weight,
            telemetry: self.telemetry,
            classify,
        }
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// A value that cannot be, with its name and what would be right.
    pub fn build(self) -> Result<FallbackLayer<C>, ConfigError> {
        Checks("fallback").is_within("weight", self.weight, 0.0, 1.0)?;
        self.fallback.check()?;
        let kinds = &self.fallback.kinds;
        let revalidates =
            |kind: &Kind| matches!(kind, Kind::LastGood(it) if it.revalidate.is_some());
        let at_once = kinds.iter().position(revalidates);
        let at_once = at_once.map(|index| AtOnce::new(&self.name, index, &self.telemetry));
        let stand_in = |kind| StandIn::new(&self.name, kind, &self.telemetry);
        let stand_ins = self.fallback.kinds.into_iter().map(stand_in).collect();
        let shared = Shared {
            name: self.name,
            weight: self.weight,
            stand_ins,
            at_once,
            telemetry: self.telemetry,
        };
        Ok(FallbackLayer {
            shared: Arc::new(shared),
            classify: self.classify,
        })
    }
}
