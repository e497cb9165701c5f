//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::breaker::Breaker;
use super::builder::CircuitBreakerBuilder;
use super::handle::BreakerHandle;
use super::service::CircuitBreaker;
use super::tracking::AtHead;
use crate::classify::HttpClassify;

/// Puts services behind one circuit breaker.
///
/// Every service that the same layer, or a clone of it, is applied to shares the breaker.
/// See the [module docs](super) for an example.
#[derive(Debug, Clone)]
pub struct CircuitBreakerLayer<C = HttpClassify, T = AtHead> {
    breaker: Arc<Breaker>,
    classify: C,
    tracking: T,
}

impl CircuitBreakerLayer {
    /// Begins a breaker called `name`: the name that metrics, events and errors use.
    pub fn builder(name: impl Into<String>) -> CircuitBreakerBuilder {
        CircuitBreakerBuilder::new(name.into())
    }
}

impl<C, T> CircuitBreakerLayer<C, T> {
    pub(super) const fn new(breaker: Arc<Breaker>, classify: C, tracking: T) -> Self {
        Self {
            breaker,
            classify,
            tracking,
        }
    }

    /// The breaker, to look at and to steer.
    pub fn handle(&self) -> BreakerHandle {
        BreakerHandle::new(Arc::clone(&self.breaker))
    }
}

impl<S, C: Clone, T: Clone> Layer<S> for CircuitBreakerLayer<C, T> {
    type Service = CircuitBreaker<S, C, T>;

    fn layer(&self, inner: S) -> Self::Service {
        let (classify, tracking) = (self.classify.clone(), self.tracking.clone());
        CircuitBreaker::new(inner, Arc::clone(&self.breaker), classify, tracking)
    }
}
