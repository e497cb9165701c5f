//! The breakers of all keys from outside.

use std::fmt;
use std::sync::Arc;

use super::super::config::CircuitBreakerConfig;
use super::super::handle::BreakerHandle;
use super::registry::Registry;
use crate::config::ConfigError;

/// Looks at the breakers of all keys and gives them other rules: for admin endpoints, settings
/// that are read again, and tests.
#[derive(Clone)]
pub struct KeyedBreakers {
    registry: Arc<Registry>,
}

impl KeyedBreakers {
    pub(super) const fn new(registry: Arc<Registry>) -> Self {
        Self { registry }
    }

    /// What their names begin with.
    pub fn name(&self) -> &str {
        self.registry.name()
    }

    /// How many keys have a breaker of their own at most.
    pub fn maximum_keys(&self) -> usize {
        self.registry.maximum()
    }

    /// Every breaker that there is now, in the order of their first calls.
    pub fn handles(&self) -> Vec<BreakerHandle> {
        self.registry.handles()
    }

    /// The breaker of a key, if it has one of its own.
    pub fn handle(&self, key: &str) -> Option<BreakerHandle> {
        self.registry.handle(key)
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
}

impl fmt::Debug for KeyedBreakers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.registry.fmt(formatter)
    }
}
