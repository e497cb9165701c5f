//! Time that stands still until a test turns it on.

use std::time::Duration;

use tokio::time::Instant;

/// The clock of the runtime that the test runs in.
#[derive(Debug)]
#[must_use = "time stands still from here on: turn it on with `advance`"]
pub struct Clock {
    stopped_at: Instant,
}

impl Clock {
    /// Stops the time of this runtime. While nothing else can go on, tokio turns the time on to
    /// the next timer by itself, so that sleeping tasks do not hang.
    ///
    /// # Panics
    ///
    /// Outside of a runtime of one thread, or where time was stopped already, as by
    /// `#[tokio::test(start_paused = true)]`: use [`Clock::of_paused_runtime`] there.
    pub fn stop() -> Self {
        tokio::time::pause();
        Self::of_paused_runtime()
    }

    /// The clock of a runtime whose time stands still already.
    pub fn of_paused_runtime() -> Self {
        Self {
            stopped_at: Instant::now(),
        }
    }

    /// Turns the time on, and lets every task run whose timer is due.
    pub async fn advance(&self, time: Duration) {
        tokio::time::advance(time).await;
    }

    /// How much time has passed since the clock was stopped.
    pub fn elapsed(&self) -> Duration {
        self.stopped_at.elapsed()
    }
}
