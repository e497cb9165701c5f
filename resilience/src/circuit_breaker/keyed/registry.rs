//! The breakers of all keys, bounded.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::super::breaker::{Breaker, Circuit};
use super::super::config::CircuitBreakerConfig;
use super::super::handle::BreakerHandle;
use super::super::mode::Mode;
use super::super::observer::Observer;
use crate::config::ConfigError;
use crate::telemetry::{BreakerState as State, Telemetry};

/// The name of the breaker that keys without a place share.
const SHARED: &str = "*";

/// Makes a breaker for each key that comes, up to a maximum.
pub(super) struct Registry {
    name: String,
    seed: u64,
    telemetry: Telemetry,
    maximum: usize,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The rules of every breaker, of those that are to come, too.
    config: CircuitBreakerConfig,
    breakers: IndexMap<String, Entry>,
    shared: Option<Arc<Breaker>>,
    /// Counts uses, so that the order of the last ones is known without a clock.
    uses: u64,
}

struct Entry {
    breaker: Arc<Breaker>,
    last_use: u64,
}

impl Registry {
    pub(super) fn new(
        name: String,
        config: CircuitBreakerConfig,
        seed: u64,
        telemetry: Telemetry,
        maximum: usize,
    ) -> Self {
        Self {
            name,
            seed,
            telemetry,
            maximum,
            known: Mutex::new(Known {
                config,
                ..Known::default()
            }),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn maximum(&self) -> usize {
        self.maximum
    }

    /// The breaker of a key, as it is configured now.
    pub(super) fn circuit(&self, key: &str) -> Arc<Circuit> {
        let mut known = self.known.lock();
        known.uses += 1;
        let last_use = known.uses;
        if let Some(entry) = known.breakers.get_mut(key) {
            entry.last_use = last_use;
            return entry.breaker.circuit();
        }
        if known.breakers.len() >= self.maximum && !known.make_room() {
            let Known { config, shared, .. } = &mut *known;
            let shared = shared.get_or_insert_with(|| self.breaker(SHARED, config));
            return shared.circuit();
        }
        let breaker = self.breaker(key, &known.config);
        let circuit = breaker.circuit();
        let entry = Entry { breaker, last_use };
        known.breakers.insert(key.to_owned(), entry);
        circuit
    }

    /// Every breaker, the shared one last, in the order of their first calls.
    pub(super) fn handles(&self) -> Vec<BreakerHandle> {
        let known = self.known.lock();
        let own = known.breakers.values().map(|entry| &entry.breaker);
        own.chain(&known.shared)
            .map(|breaker| BreakerHandle::new(Arc::clone(breaker)))
            .collect()
    }

    /// The breaker of a key, if it has one of its own.
    pub(super) fn handle(&self, key: &str) -> Option<BreakerHandle> {
        let known = self.known.lock();
        let entry = known.breakers.get(key)?;
        Some(BreakerHandle::new(Arc::clone(&entry.breaker)))
    }

    /// Puts other rules in force for every breaker, for those that are to come, too.
    pub(super) fn reconfigure(&self, config: &CircuitBreakerConfig) -> Result<(), ConfigError> {
        config.check()?;
        let mut known = self.known.lock();
        known.config = config.clone();
        let own = known.breakers.values().map(|entry| &entry.breaker);
        own.chain(&known.shared)
            .try_for_each(|breaker| breaker.reconfigure(config))
    }

    fn breaker(&self, key: &str, config: &CircuitBreakerConfig) -> Arc<Breaker> {
        let name = format!("{}/{key}", self.name);
        let observer = Observer::new(&name, self.telemetry.clone(), Instant::now());
        // Breakers that opened together must not probe together.
        let seed = name.bytes().fold(self.seed, |seed, byte| {
            seed.rotate_left(8) ^ u64::from(byte)
        });
        let breaker = Breaker::new(name.into(), config, seed, observer);
        Arc::new(breaker)
    }
}

impl Known {
    /// Gives up the closed breaker that has not been used for longest. An open one, and one that
    /// an operator steers, stays.
    fn make_room(&mut self) -> bool {
        let may_go = |entry: &Entry| {
            let circuit = entry.breaker.circuit();
            circuit.mode() == Mode::Automatic && circuit.state() == State::Closed
        };
        let candidates = self.breakers.values().enumerate();
        let oldest = candidates
            .filter(|(_, entry)| may_go(entry))
            .min_by_key(|(_, entry)| entry.last_use)
            .map(|(index, _)| index);
        let Some((_, gone)) = oldest.and_then(|index| self.breakers.swap_remove_index(index))
        else {
            return false;
        };
        gone.breaker.circuit().observer().forget();
        true
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Registry")
            .field("name", &self.name)
            .field("maximum", &self.maximum)
            .field("breakers", &self.known.lock().breakers.len())
            .finish_non_exhaustive()
    }
}
