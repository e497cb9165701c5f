//! For how long a breaker stays open.

use std::time::Duration;

use parking_lot::Mutex;

use crate::backoff::FullJitter;

/// The pause of a backoff that has no first element: the break of Polly 8.
const PAUSE_WITHOUT_BACKOFF: Duration = Duration::from_secs(5);

/// The pauses of one breaker: they grow while probes fail, and start over when it closes.
#[derive(Clone)]
pub(super) struct Pauses {
    fresh: BoxBackoff,
    present: BoxBackoff,
    /// What the backoff said last: it goes on saying it when the iterator has ended.
    last: Duration,
}

impl Pauses {
    pub(super) fn new(backoff: BoxBackoff) -> Self {
        Self {
            fresh: backoff.clone(),
            present: backoff,
            last: PAUSE_WITHOUT_BACKOFF,
        }
    }

    pub(super) fn next_pause(&mut self) -> Duration {
        if let Some(pause) = self.present.next() {
            self.last = pause;
        }
        self.last
    }

    pub(super) fn start_over(&mut self) {
        *self = Self::new(self.fresh.clone());
    }
}

/// Full jitter from 0.5 s to 5 s, at least 0.1 s.
pub(super) fn default_backoff(seed: u64) -> BoxBackoff {
    let base = Duration::from_millis(500);
    let maximum = Duration::from_secs(5);
    let backoff = FullJitter::new(base, maximum, seed).at_least(Duration::from_millis(100));
    BoxBackoff::new(backoff)
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
