//! What a queue is like.

use std::time::Duration;

use crate::config::{Checks, ConfigError};

/// In which order those that wait get a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Order {
    /// First come, first served.
    #[default]
    Fifo,
    /// Last come, first served once the queue has not been empty for so long; first come, first
    /// served until then.
    AdaptiveLifo {
        /// For how long a queue must have stood.
        after: Duration,
    },
}

/// When waiting has become pointless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct QueueDelay {
    pub(super) target: Duration,
    pub(super) interval: Duration,
}

impl QueueDelay {
    /// When nobody got a place within `target` for the length of an `interval`, whoever has
    /// waited longer than `target` is turned away, until somebody gets a place within it again.
    ///
    /// CoDel takes 5 ms and 100 ms for packets; for requests take a tenth of the time their
    /// caller has, and the whole of it.
    pub const fn new(target: Duration, interval: Duration) -> Self {
        Self { target, interval }
    }
}

/// A bounded queue with a time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Queue {
    pub(crate) length: usize,
    pub(crate) wait: Duration,
    pub(super) order: Order,
    pub(super) delay: Option<QueueDelay>,
    pub(super) by_priority: bool,
}

impl Queue {
    /// At most `length` wait, each for at most `wait`: first come, first served.
    pub const fn new(length: usize, wait: Duration) -> Self {
        Self {
            length,
            wait,
            order: Order::Fifo,
            delay: None,
            by_priority: false,
        }
    }

    /// In which order those that wait get a place (default: first come, first served).
    pub const fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// When waiting has become pointless (default: never before the time limit).
    pub fn delay(mut self, delay: impl Into<Option<QueueDelay>>) -> Self {
        self.delay = delay.into();
        self
    }

    /// Whether what matters more goes first, by the [priority](crate::context::Priority) of the
    /// call's context (default: no).
    pub const fn by_priority(mut self, by_priority: bool) -> Self {
        self.by_priority = by_priority;
        self
    }

    pub(crate) fn check(&self, part: &'static str) -> Result<(), ConfigError> {
        let Some(delay) = self.delay else {
            return Ok(());
        };
        let checks = Checks(part);
        checks.is_positive("queue delay target", delay.target)?;
        checks.is_at_most("queue delay target", delay.target, delay.interval)
    }
}
