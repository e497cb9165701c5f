//! For how long a breaker stays open.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::backoff::FullJitter;

/// The pause of a backoff that has no first element: the break of Polly 8.
const PAUSE_WITHOUT_BACKOFF: Duration = Duration::from_secs(5);

/// After so many pauses no backoff grows any more: more of them are not looked for.
const MAXIMUM_RESUMED: u32 = 1_000;

/// The pauses of one breaker: they grow while probes fail, and start over when it closes.
#[derive(Clone)]
pub(super) struct Pauses {
    fresh: BoxBackoff,
    present: BoxBackoff,
    /// What the backoff said last: it goes on saying it when the iterator has ended.
    last: Duration,
    /// How many there were since the breaker was closed.
    taken: u32,
}

impl Pauses {
    pub(super) fn new(backoff: BoxBackoff) -> Self {
        Self {
            fresh: backoff.clone(),
            present: backoff,
            last: PAUSE_WITHOUT_BACKOFF,
            taken: 0,
        }
    }

    pub(super) fn next_pause(&mut self) -> Duration {
        if let Some(pause) = self.present.next() {
            self.last = pause;
        }
        self.taken = self.taken.saturating_add(1);
        self.last
    }

    /// Goes on after as many pauses as `before` has taken.
    pub(super) fn resume(&mut self, before: &Self) {
        for _ in 0..before.taken.min(MAXIMUM_RESUMED) {
            self.next_pause();
        }
    }

    pub(super) fn start_over(&mut self) {
        *self = Self::new(self.fresh.clone());
    }
}

/// What a breaker was told about its pauses.
#[derive(Clone)]
pub(super) enum Backoff {
    Given(BoxBackoff),
    /// Full jitter, with the seed of the breaker.
    FullJitter {
        base: Duration,
        maximum: Duration,
    },
    /// Made from the seed of the breaker.
    Seeded(Arc<dyn Fn(u64) -> BoxBackoff + Send + Sync>),
}

impl Backoff {
    /// Full jitter from 0.5 s to 5 s.
    pub(super) const DEFAULT: Self = Self::FullJitter {
        base: Duration::from_millis(500),
        maximum: Duration::from_secs(5),
    };

    pub(super) fn pauses(&self, seed: u64) -> Pauses {
        Pauses::new(match self {
            Self::Given(backoff) => backoff.clone(),
            Self::Seeded(make) => make(seed),
            Self::FullJitter { base, maximum } => {
                // An open breaker that probes at once would not be one.
                let shortest = *base / 5;
                BoxBackoff::new(FullJitter::new(*base, *maximum, seed).at_least(shortest))
            }
        })
    }
}

/// A backoff whose type is forgotten. The lock is never waited for: it makes an iterator that
/// is only `Send` shareable, as configurations are.
pub(super) struct BoxBackoff(Mutex<Box<dyn CloneBackoff>>);

impl BoxBackoff {
    pub(super) fn new<B>(backoff: B) -> Self
    where
        B: Iterator<Item = Duration> + Clone + Send + 'static,
    {
        Self(Mutex::new(Box::new(backoff)))
    }
}

impl Iterator for BoxBackoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.0.get_mut().next()
    }
}

impl Clone for BoxBackoff {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.0.lock().clone_box()))
    }
}

trait CloneBackoff: Iterator<Item = Duration> + Send {
    fn clone_box(&self) -> Box<dyn CloneBackoff>;
}

impl<B> CloneBackoff for B
where
    B: Iterator<Item = Duration> + Clone + Send + 'static,
{
    fn clone_box(&self) -> Box<dyn CloneBackoff> {
        Box::new(self.clone())
    }
}
