//! The calls that are under way, by key.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::answer::Answer;
use super::error::SharedError;
use super::shared_call::{Seat, SharedCall};

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

/// The calls that are under way. There are never more keys than callers.
pub(super) struct Flights<B> {
    by_key: ByKey<B>,
}

type ByKey<B> = Arc<Mutex<BTreeMap<Arc<str>, Flight<B>>>>;

/// Weak, so that a call is cancelled when its last caller goes.
type Flight<B> = Weak<SharedCall<Landing<B>>>;

impl<B> Default for Flights<B> {
    fn default() -> Self {
        Self {
            by_key: Arc::default(),
        }
    }
}

impl<B: Send + 'static> Flights<B> {
    /// A seat in the call under this key, or in the one that `begin` makes; and whether it is that.
    pub(super) fn board<F>(&self, key: &str, begin: impl FnOnce() -> F) -> (Seat<Landing<B>>, bool)
    where
        F: Future<Output = Landing<B>> + Send + 'static,
    {
        let mut by_key = self.by_key.lock();
        // Whatever is listed is under way: it is taken off before anybody knows its end.
        if let Some(flight) = by_key.get(key).and_then(Weak::upgrade) {
            return (Seat::new(flight), false);
        }
        // First, since a panic of what it clones would drop the other with the list locked.
        let call = begin();
        let key: Arc<str> = key.into();
        let flight = Arc::new_cyclic(|flight| {
            let landed = Landed {
                by_key: Arc::clone(&self.by_key),
                key: Arc::clone(&key),
                flight: Weak::clone(flight),
            };
            SharedCall::new(Box::pin(async move {
                let _landed = landed;
                call.await
            }))
        });
        by_key.insert(key, Arc::downgrade(&flight));
        (Seat::new(flight), true)
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
    flight: Flight<B>,
}

impl<B> Drop for Landed<B> {
    fn drop(&mut self) {
        let mut by_key = self.by_key.lock();
        // A later call may have taken the place already.
        let present = by_key.get(&self.key);
        if present.is_some_and(|flight| flight.ptr_eq(&self.flight)) {
            by_key.remove(&self.key);
        }
    }
}
