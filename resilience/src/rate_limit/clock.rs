//! Tokio's clock for `governor`, so that paused time reaches it.

use governor::clock::Clock;
use governor::nanos::Nanos;
use tokio::time::Instant;

/// Where time stands still: 292 years are enough for any process, and `governor` adds to a time
/// without a look at whether that can be.
const LATEST: u64 = u64::MAX / 2;

/// Counts from the moment it was made.
#[derive(Debug, Clone)]
pub(super) struct TokioClock {
    epoch: Instant,
}

impl TokioClock {
    pub(super) fn new() -> Self {
        Self {
            epoch: Instant::now(),
        }
    }
}

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let passed = Instant::now().saturating_duration_since(self.epoch);
        let passed = u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX);
        Nanos::new(passed.min(LATEST))
    }
}
