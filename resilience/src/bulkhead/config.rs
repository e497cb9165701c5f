//! The numbers of a bulkhead.

use std::time::Duration;

use tokio::sync::Semaphore;

use crate::config::ConfigError;

/// How much a bulkhead lets in, and how long it lets calls wait.
///
/// All fields are public and have defaults:
/// `BulkheadConfig { maximum_in_flight: 10, ..Default::default() }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulkheadConfig {
    /// How many calls may be under way at once, default 64. By Little's law that serves
    /// 640 calls a second of 100 ms each.
    pub maximum_in_flight: usize,
    /// How many calls may wait for a place, default 64: as many again, so that a burst is
    /// smoothed out and a lasting overload is not.
    pub queue_length: usize,
    /// How long a call waits at most, default 100 ms.
    pub queue_wait: Duration,
}

impl Default for BulkheadConfig {
    fn default() -> Self {
        Self {
            maximum_in_flight: 64,
            queue_length: 64,
            queue_wait: Duration::from_millis(100),
        }
    }
}

impl BulkheadConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if (1..=Semaphore::MAX_PERMITS).contains(&self.maximum_in_flight) {
            return Ok(());
        }
        let expected = format!("1 to {}", Semaphore::MAX_PERMITS);
        Err(ConfigError::new(
            "bulkhead",
            "maximum_in_flight",
            self.maximum_in_flight,
            expected,
        ))
    }
}
