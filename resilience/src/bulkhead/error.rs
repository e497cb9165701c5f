//! The rejection of a bulkhead.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A call was rejected because every place in the bulkhead was taken, and every place in
/// its queue too, or none became free in time.
#[derive(Debug, Clone, PartialEq, Eq)]
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

impl fmt::Display for BulkheadFull {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, calls) = (&self.name, self.maximum_in_flight);
        write!(
            formatter,
            "bulkhead `{name}` is full with {calls} calls under way, "
        )?;
        if self.waited.is_zero() {
            return formatter.write_str("and so is its queue");
        }
        write!(formatter, "none of which ended within {:.1?}", self.waited)
    }
}

impl std::error::Error for BulkheadFull {}
