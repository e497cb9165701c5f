//! The numbers of a bulkhead.

use std::time::Duration;

use crate::concurrency::{AdaptiveLimit, Order, Queue, QueueDelay};
use crate::config::ConfigError;

/// How much a bulkhead lets in, and how long it lets calls wait.
///
/// All fields are public and have defaults:
/// `BulkheadConfig { maximum_in_flight: 10, ..Default::default() }`.
#[derive(Debug, Clone, Copy, PartialEq)]
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
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.maximum_in_flight == 0 {
            let key = "maximum_in_flight";
            return Err(ConfigError::new("bulkhead", key, 0, "at least 1"));
        }
        self.queue().check("bulkhead")?;
        self.adaptive
            .map_or(Ok(()), |adaptive| adaptive.check("bulkhead"))
    }

    pub(super) fn queue(&self) -> Queue {
        Queue::new(self.queue_length, self.queue_wait)
            .order(self.order)
            .delay(self.queue_delay)
            .by_priority(self.by_priority)
    }
}
