//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::breaker::Breaker;
use super::builder::CircuitBreakerBuilder;
use super::errors::Boxed;
use super::handle::BreakerHandle;
use super::service::CircuitBreaker;
use super::tracking::AtHead;
use crate::classify::HttpClassify;

/// Puts services behind one circuit breaker.
///
/// Every service that the same layer, or a clone of it, is applied to shares the breaker.
/// See the [module docs](super) for an example.
#[derive(Debug, Clone)]
pub struct CircuitBreakerLayer<C = HttpClassify, T = AtHead, E = Boxed> {
    breaker: Arc<Breaker>,
    classify: C,
    tracking: T,
    errors: E,
}

impl CircuitBreakerLayer {
    /// Begins a breaker called `name`: the name that metrics, events and errors use.
    pub fn builder(name: impl Into<String>) -> CircuitBreakerBuilder {
        CircuitBreakerBuilder::new(name.into())
    }
}

impl<C, T, E> CircuitBreakerLayer<C, T, E> {
    pub(super) const fn new(breaker: Arc<Breaker>, classify: C, tracking: T, errors: E) -> Self {
        Self {
            breaker,
            classify,
            tracking,
            errors,
        }
    }

    /// The breaker, to look at and to steer.
    pub fn handle(&self) -> BreakerHandle {
        BreakerHandle::new(Arc::clone(&self.breaker))
    }
}

impl<S, C: Clone, T: Clone, E: Clone> Layer<S> for CircuitBreakerLayer<C, T, E> {
    type Service = CircuitBreaker<S, C, T, E>;

    fn layer(&self, inner: S) -> Self::Service {
        CircuitBreaker::new(
            inner,
            Arc::clone(&self.breaker),
            self.classify.clone(),
            self.tracking.clone(),
            self.errors.clone(),
        )
    }
}
