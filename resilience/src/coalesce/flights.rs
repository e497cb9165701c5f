//! The calls that are under way, by key.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt, Shared, WeakShared};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::answer::Answer;
use super::error::SharedError;

/// How a shared call ended.
pub(super) struct Landing<B> {
    pub(super) result: Result<Arc<Answer<B>>, SharedError>,
    /// Whether it failed and was repeated in vain: no caller may repeat it once more.
    pub(super) in_vain: bool,
    /// Whether it failed and was not repeated since its leader had no time for that: when that
    /// would have been over.
    pub(super) no_time_after: Option<Instant>,
}

impl<B> Clone for Landing<B> {
    fn clone(&self) -> Self {
        Self {
            result: self.result.clone(),
            in_vain: self.in_vain,
            no_time_after: self.no_time_after,
        }
    }
}

type Call<B> = BoxFuture<'static, Landing<B>>;

/// A call that several callers wait for.
pub(super) type Flight<B> = Shared<Call<B>>;

/// The calls that are under way. There are never more keys than callers.
pub(super) struct Flights<B> {
    by_key: ByKey<B>,
}

type ByKey<B> = Arc<Mutex<BTreeMap<Arc<str>, Entry<B>>>>;

struct Entry<B> {
    number: u64,
    /// Weak, so that a call is cancelled when its last caller goes.
    flight: WeakShared<Call<B>>,
}

impl<B> Default for Flights<B> {
    fn default() -> Self {
        Self {
            by_key: Arc::default(),
        }
    }
}

impl<B: Send + 'static> Flights<B> {
    /// The call under this key, or the one that `begin` makes; and whether it is that.
    pub(super) fn board<F>(&self, key: &str, begin: impl FnOnce() -> F) -> (Flight<B>, bool)
    where
        F: Future<Output = Landing<B>> + Send + 'static,
    {
        let mut by_key = self.by_key.lock();
        let present = by_key.get(key);
        // One that has landed is still known to whoever has yet to look at it.
        let under_way = present
            .and_then(|entry| entry.flight.upgrade())
            .filter(|flight| flight.peek().is_none());
        if let Some(flight) = under_way {
            return (flight, false);
        }
        let number = present.map_or(0, |entry| entry.number.wrapping_add(1));
        let key: Arc<str> = key.into();
        let landed = Landed {
            by_key: Arc::clone(&self.by_key),
            key: Arc::clone(&key),
            number,
        };
        let call = begin();
        let flight = async move {
            let _landed = landed;
            call.await
        };
        let flight = flight.boxed().shared();
        // What was just begun always has a weak counterpart.
        if let Some(weak) = flight.downgrade() {
            let flight = weak;
            by_key.insert(key, Entry { number, flight });
        }
        (flight, true)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.by_key.lock().len()
    }
}

/// Takes a call off the list when it ends or when its last caller goes.
struct Landed<B> {
    by_key: ByKey<B>,
    key: Arc<str>,
    number: u64,
}

impl<B> Drop for Landed<B> {
    fn drop(&mut self) {
        let mut by_key = self.by_key.lock();
        // A later call may have taken the place already.
        let present = by_key.get(&self.key);
        if present.is_some_and(|entry| entry.number == self.number) {
            by_key.remove(&self.key);
        }
    }
}
