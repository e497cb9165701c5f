//! A quota for each key, for a bounded number of keys.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};
use indexmap::IndexMap;
use parking_lot::Mutex;

use super::clock::TokioClock;
use super::limiter::Verdict;
use crate::telemetry::Gauge;

/// How often keys whose quota is whole again are looked for: a flood of new keys must not pay
/// for a search with every request.
const SEARCH_EVERY: Duration = Duration::from_secs(1);

/// The quotas of all keys.
#[derive(Debug)]
pub(super) struct Keys {
    quotas: RateLimiter<u64, Store, TokioClock, StateInformationMiddleware>,
    hasher: RandomState,
    known: Arc<Mutex<Known>>,
}

impl Keys {
    pub(super) fn new(quota: Quota, clock: &TokioClock, maximum: usize, count: Gauge) -> Self {
        let known = Arc::<Mutex<Known>>::default();
        let store = Store {
            clock: clock.clone(),
            start: clock.now(),
            maximum,
            count,
            known: Arc::clone(&known),
        };
        Self {
            quotas: RateLimiter::new(quota, store, clock.clone()),
            hasher: RandomState::new(),
            known,
        }
    }

    /// How many keys are told apart now.
    pub(super) fn len(&self) -> usize {
        self.known.lock().whole_at.len()
    }

    /// Whether a request under this key passes.
    ///
    /// Keys are told apart by a hash that nobody outside can foresee: what a key costs does not
    /// depend on its length.
    pub(super) fn check(&self, key: &str) -> Verdict {
        self.quotas.check_key(&self.hasher.hash_one(key))
    }
}

/// What is remembered of each key: the moment at which its quota is whole again.
#[derive(Debug)]
struct Store {
    clock: TokioClock,
    start: Nanos,
    maximum: usize,
    count: Gauge,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    whole_at: IndexMap<u64, Option<Nanos>>,
    /// That of all keys which found no place.
    overflow: Option<Nanos>,
    searched_at: Option<Nanos>,
}

impl StateStore for Store {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut known = self.known.lock();
        if known.whole_at.len() >= self.maximum && !known.whole_at.contains_key(key) {
            known.forget_whole(self.clock.now().duration_since(self.start));
        }
        let has_place = known.whole_at.len() < self.maximum || known.whole_at.contains_key(key);
        let whole_at = if has_place {
            known.whole_at.entry(*key).or_default()
        } else {
            &mut known.overflow
        };
        let (outcome, next) = decide(*whole_at)?;
        *whole_at = Some(next);
        let count = known.whole_at.len();
        self.count.set(i64::try_from(count).unwrap_or(i64::MAX));
        Ok(outcome)
    }
}

impl Known {
    fn forget_whole(&mut self, now: Nanos) {
        let is_due = |last: Nanos| now.saturating_sub(last) >= Nanos::from(SEARCH_EVERY);
        if !self.searched_at.is_none_or(is_due) {
            return;
        }
        self.searched_at = Some(now);
        self.whole_at
            .retain(|_, whole_at| whole_at.is_some_and(|whole_at| whole_at > now));
    }
}
