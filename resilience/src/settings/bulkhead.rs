//! Settings of the bulkhead.

use serde::{Deserialize, Serialize};

use super::latency::AdaptiveLimitSettings;
use super::{Limit, Span};
use crate::bulkhead::BulkheadConfig;
use crate::concurrency::{Order, QueueDelay};

/// What can be set of the bulkhead; see [`BulkheadConfig`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct BulkheadSettings {
    /// `false` removes the part.
    pub enabled: Option<bool>,
    /// How many attempts may be under way at once (default 64).
    pub maximum_in_flight: Option<usize>,
    /// How many may wait (default 64).
    pub queue_length: Option<usize>,
    /// For how long one may wait (default 100 ms).
    pub queue_wait: Option<Span>,
    /// Last come, first served once the queue has not been empty for so long; `none` (the
    /// default): first come, first served.
    pub lifo_after: Option<Limit>,
    /// When waiting has become pointless (default: not before `queue_wait`).
    pub queue_delay: Option<QueueDelaySettings>,
    /// Whether calls that matter more go first (default: no).
    pub by_priority: Option<bool>,
    /// How many may be under way follows what is measured, in place of `maximum_in_flight`
    /// (default: it does not).
    pub adaptive: Option<AdaptiveLimitSettings>,
}

/// When waiting has become pointless; see [`QueueDelay`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct QueueDelaySettings {
    /// Whoever has waited longer is turned away once nobody got a place within it.
    pub target: Span,
    /// For how long nobody must have.
    pub interval: Span,
}

impl QueueDelaySettings {
    pub(super) const fn delay(self) -> QueueDelay {
        QueueDelay::new(self.target.0, self.interval.0)
    }
}

/// The order in which those that wait get a place.
pub(super) fn order(Limit(lifo_after): Limit) -> Order {
    lifo_after.map_or(Order::Fifo, |after| Order::AdaptiveLifo { after })
}

impl BulkheadSettings {
    pub(super) fn config(&self) -> Option<BulkheadConfig> {
        if self.enabled == Some(false) {
            return None;
        }
        let mut config = BulkheadConfig::default();
        if let Some(attempts) = self.maximum_in_flight {
            config.maximum_in_flight = attempts;
        }
        if let Some(length) = self.queue_length {
            config.queue_length = length;
        }
        if let Some(Span(wait)) = self.queue_wait {
            config.queue_wait = wait;
        }
        if let Some(after) = self.lifo_after {
            config.order = order(after);
        }
        if let Some(delay) = self.queue_delay {
            config.queue_delay = Some(delay.delay());
        }
        if let Some(by_priority) = self.by_priority {
            config.by_priority = by_priority;
        }
        if let Some(adaptive) = &self.adaptive {
            config.adaptive = Some(adaptive.config());
        }
        Some(config)
    }
}
