//! The breakers of all keys, bounded.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

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

/// How many bytes a key may have for a breaker of its own: it becomes a label in metrics.
const LONGEST_KEY: usize = 256;

/// How often breakers that may go are looked for: a flood of new keys must not pay for a search
/// with every call, nor wash out the keys that are real.
const SEARCH_EVERY: Duration = Duration::from_secs(1);

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
    /// When breakers that may go were last looked for, and how many uses there had been.
    searched: Option<(Instant, u64)>,
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
        let has_place =
            key.len() <= LONGEST_KEY && (known.breakers.len() < self.maximum || known.make_room());
        if !has_place {
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
    /// Gives up the closed breaker that has not been used for longest, and with it all that were
    /// not used since the search before. An open one, and one that an operator steers, stays.
    fn make_room(&mut self) -> bool {
        let now = Instant::now();
        let is_due = |last: Instant| now.saturating_duration_since(last) >= SEARCH_EVERY;
        if self.searched.is_some_and(|(last, _)| !is_due(last)) {
            return false;
        }
        let before = self.searched.replace((now, self.uses));
        let may_go = |entry: &Entry| {
            let circuit = entry.breaker.circuit();
            circuit.mode() == Mode::Automatic && circuit.state() == State::Closed
        };
        let last_uses = self.breakers.values().filter(|entry| may_go(entry));
        let Some(oldest) = last_uses.map(|entry| entry.last_use).min() else {
            return false;
        };
        let unused = before.map_or(oldest, |(_, uses)| uses.max(oldest));
        self.breakers.retain(|_, entry| {
            let goes = entry.last_use <= unused && may_go(entry);
            if goes {
                entry.breaker.circuit().observer().forget();
            }
            !goes
        });
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
