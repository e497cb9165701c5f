//! The numbers of a bulkhead.

use std::time::Duration;

use crate::concurrency::{AdaptiveLimit, Order, Queue, QueueDelay};
use crate::config::ConfigError;

/// How much a bulkhead lets in, and how long it lets calls wait.
///
/// Every number has a default: `BulkheadConfig::new().maximum_in_flight(10)`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[must_use]
#[non_exhaustive]
pub struct BulkheadConfig {
    /// How many calls may be under way at once, default 64. By Little's law that serves
    /// 640 calls a second of 100 ms each.
    pub maximum_in_flight: usize,
    /// How many calls may wait for a place, default 64: as many again, so that a burst is
    /// smoothed out and a lasting overload is not.
    pub queue_length: usize,
    /// How long a call waits at most, default 100 ms.
    pub queue_wait: Duration,
    /// A limit that follows what is measured, in place of `maximum_in_flight` (default: none).
    pub adaptive: Option<AdaptiveLimit>,
    /// In which order waiting calls get a place (default: first come, first served).
    pub order: Order,
    /// When waiting has become pointless (default: not before `queue_wait`).
    pub queue_delay: Option<QueueDelay>,
    /// Whether calls that matter more go first, by the priority of the
    /// [context](crate::context) in which they are made (default: no).
    pub by_priority: bool,
}

impl Default for BulkheadConfig {
    fn default() -> Self {
        Self {
            maximum_in_flight: 64,
            queue_length: 64,
            queue_wait: Duration::from_millis(100),
            adaptive: None,
            order: Order::Fifo,
            queue_delay: None,
            by_priority: false,
        }
    }
}

impl BulkheadConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many calls may be under way at once (default 64).
    pub const fn maximum_in_flight(mut self, calls: usize) -> Self {
        self.maximum_in_flight = calls;
        self
    }

    /// How many calls may wait for a place, and for how long (default 64 and 100 ms).
    pub const fn queue(mut self, length: usize, wait: Duration) -> Self {
        self.queue_length = length;
        self.queue_wait = wait;
        self
    }

    /// A limit that follows what is measured, in place of a fixed one (default: none).
    pub fn adaptive(mut self, limit: impl Into<Option<AdaptiveLimit>>) -> Self {
        self.adaptive = limit.into();
        self
    }

    /// In which order waiting calls get a place (default: first come, first served).
    pub const fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// When waiting has become pointless (default: not before the time limit of the queue).
    pub fn queue_delay(mut self, delay: impl Into<Option<QueueDelay>>) -> Self {
        self.queue_delay = delay.into();
        self
    }

    /// Whether calls that matter more go first (default: no): by the priority of the
    /// [`CallContext`](crate::context::CallContext) of the task, or in a client stack of the
    /// request.
    pub const fn by_priority(mut self, by_priority: bool) -> Self {
        self.by_priority = by_priority;
        self
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.maximum_in_flight == 0 {
            let key = "maximum_in_flight";
            return Err(ConfigError::new("bulkhead", key, 0, "at least 1"));
        }
        self.line().check("bulkhead")?;
        self.adaptive
            .map_or(Ok(()), |adaptive| adaptive.check("bulkhead"))
    }

    pub(super) fn line(&self) -> Queue {
        Queue::new(self.queue_length, self.queue_wait)
            .order(self.order)
            .delay(self.queue_delay)
            .by_priority(self.by_priority)
    }
}
