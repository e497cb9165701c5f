//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::super::config::CircuitBreakerConfig;
use super::super::errors::Boxed;
use super::super::handle::BreakerHandle;
use super::super::tracking::AtHead;
use super::builder::KeyedCircuitBreakerBuilder;
use super::handle::KeyedBreakers;
use super::registry::Registry;
use super::service::KeyedCircuitBreaker;
use crate::classify::HttpClassify;
use crate::config::ConfigError;

/// Puts services behind one circuit breaker for each key.
///
/// Every service that the same layer, or a clone of it, is applied to shares the breakers.
/// See the [module docs](super) for an example.
#[derive(Debug, Clone)]
pub struct KeyedCircuitBreakerLayer<K, C = HttpClassify, T = AtHead, E = Boxed> {
    registry: Arc<Registry>,
    key: K,
    classify: C,
    tracking: T,
    errors: E,
}

impl<K> KeyedCircuitBreakerLayer<K> {
    /// Begins breakers called `name/…` whose keys the function `key` takes from a request:
    /// `Fn(&Request) -> String`.
    pub fn builder(name: impl Into<String>, key: K) -> KeyedCircuitBreakerBuilder<K> {
        KeyedCircuitBreakerBuilder::new(name.into(), key)
    }
}

impl<K, C, T, E> KeyedCircuitBreakerLayer<K, C, T, E> {
    pub(super) const fn new(
        registry: Arc<Registry>,
        key: K,
        classify: C,
        tracking: T,
        errors: E,
    ) -> Self {
        Self {
            registry,
            key,
            classify,
            tracking,
            errors,
        }
    }

    /// All of them, to look at and to give other rules: for whoever does not know the types of
    /// the layer.
    pub fn breakers(&self) -> KeyedBreakers {
        KeyedBreakers::new(Arc::clone(&self.registry))
    }

    /// Every breaker that there is now, in the order of their first calls.
    pub fn handles(&self) -> Vec<BreakerHandle> {
        self.registry.handles()
    }

    /// Puts other rules in force for every breaker that there is, each of which
    /// [keeps its state](BreakerHandle::reconfigure), and for those of keys that come later. Rules
    /// that one of them was given by its own handle give way.
    ///
    /// # Errors
    ///
    /// A value that cannot be, with its name and what would be right; nothing has changed then.
    pub fn reconfigure(&self, config: &CircuitBreakerConfig) -> Result<(), ConfigError> {
        self.registry.reconfigure(config)
    }

    /// The breaker of a key, if it has one of its own.
    pub fn handle(&self, key: &str) -> Option<BreakerHandle> {
        self.registry.handle(key)
    }
}

impl<S, K: Clone, C: Clone, T: Clone, E: Clone> Layer<S> for KeyedCircuitBreakerLayer<K, C, T, E> {
    type Service = KeyedCircuitBreaker<S, K, C, T, E>;

    fn layer(&self, inner: S) -> Self::Service {
        KeyedCircuitBreaker::new(
            inner,
            Arc::clone(&self.registry),
            self.key.clone(),
            self.classify.clone(),
            self.tracking.clone(),
            self.errors.clone(),
        )
    }
}
