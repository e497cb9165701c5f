//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::breaker::{Breaker, BreakerHandle};
use super::builder::CircuitBreakerBuilder;
use super::service::CircuitBreaker;
use crate::classify::HttpClassify;

/// Puts services behind one circuit breaker.
///
/// Every service that the same layer, or a clone of it, is applied to shares the breaker.
/// See the [module docs](super) for an example.
#[derive(Debug, Clone)]
pub struct CircuitBreakerLayer<C = HttpClassify> {
    breaker: Arc<Breaker>,
    classify: C,
}

impl CircuitBreakerLayer {
    /// Begins a breaker called `name`: the name that metrics, events and errors use.
    pub fn builder(name: impl Into<String>) -> CircuitBreakerBuilder {
        CircuitBreakerBuilder::new(name.into())
    }
}

impl<C> CircuitBreakerLayer<C> {
    pub(super) const fn new(breaker: Arc<Breaker>, classify: C) -> Self {
        Self { breaker, classify }
    }

    /// A view of the breaker.
    pub fn handle(&self) -> BreakerHandle {
        BreakerHandle::new(Arc::clone(&self.breaker))
    }
}

impl<S, C: Clone> Layer<S> for CircuitBreakerLayer<C> {
    type Service = CircuitBreaker<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        CircuitBreaker::new(inner, Arc::clone(&self.breaker), self.classify.clone())
    }
}
