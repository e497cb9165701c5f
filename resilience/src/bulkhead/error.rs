//! The rejection of a bulkhead.

use std::sync::Arc;
use std::time::Duration;

/// A call was rejected because every place in the bulkhead was taken, and every place in
/// its queue too, or none became free in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bulkhead `{name}` is full with {maximum_in_flight} calls under way, waited {waited:?}")]
pub struct BulkheadFull {
    pub(super) name: Arc<str>,
    pub(super) maximum_in_flight: usize,
    pub(super) waited: Duration,
}

impl BulkheadFull {
    /// The bulkhead that rejected the call.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many calls were under way.
    pub const fn maximum_in_flight(&self) -> usize {
        self.maximum_in_flight
    }

    /// How long the call had waited in the queue; 0 if there was no place in it.
    pub const fn waited(&self) -> Duration {
        self.waited
    }
}
