//! What the last calls were like: sliding windows over calls or over time.
//!
//! Both keep running totals, so that recording a call and asking for the totals cost the
//! same whatever the size of the window.

mod count;
mod time;

use std::time::Duration;

use tokio::time::Instant;

pub(super) use count::CountWindow;
pub(super) use time::TimeWindow;

/// Over what the rates of a breaker are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Window {
    /// Over the last so many calls.
    Count {
        /// How many calls.
        calls: u32,
    },
    /// Over the last so much time, forgotten in steps of `span / buckets`. The window
    /// therefore covers between `span − span / buckets` and `span`.
    Time {
        /// How much time.
        span: Duration,
        /// In how many steps it is forgotten.
        buckets: u32,
    },
}

impl Window {
    /// The last `calls` calls.
    pub const fn count(calls: u32) -> Self {
        Self::Count { calls }
    }

    /// The last `span`, in ten buckets (as in Hystrix).
    pub const fn time(span: Duration) -> Self {
        Self::Time { span, buckets: 10 }
    }
}

/// One call that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) failure: bool,
    pub(super) slow: bool,
}

/// What the calls in a window, or in a part of it, add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Totals {
    pub(super) calls: u32,
    pub(super) failures: u32,
    pub(super) slow: u32,
}

impl Totals {
    pub(super) const fn add(&mut self, sample: Sample) {
        self.calls = self.calls.saturating_add(1);
        self.failures = self.failures.saturating_add(sample.failure as u32);
        self.slow = self.slow.saturating_add(sample.slow as u32);
    }

    const fn remove(&mut self, expired: Self) {
        self.calls = self.calls.saturating_sub(expired.calls);
        self.failures = self.failures.saturating_sub(expired.failures);
        self.slow = self.slow.saturating_sub(expired.slow);
    }
}

impl From<Sample> for Totals {
    fn from(sample: Sample) -> Self {
        let mut totals = Self::default();
        totals.add(sample);
        totals
    }
}

/// Either window, behind one interface.
#[derive(Debug)]
pub(super) enum SlidingWindow {
    Count(CountWindow),
    Time(TimeWindow),
}

impl SlidingWindow {
    /// An empty window; one of time starts at `now`.
    pub(super) fn new(window: Window, now: Instant) -> Self {
        match window {
            Window::Count { calls } => Self::Count(CountWindow::new(calls)),
            Window::Time { span, buckets } => Self::Time(TimeWindow::new(span, buckets, now)),
        }
    }

    /// Adds a call and returns what is in the window then.
    pub(super) fn record(&mut self, sample: Sample, now: Instant) -> Totals {
        match self {
            Self::Count(window) => window.record(sample),
            Self::Time(window) => window.record(sample, now),
        }
    }

    /// Forgets every call.
    pub(super) fn clear(&mut self) {
        match self {
            Self::Count(window) => window.clear(),
            Self::Time(window) => window.clear(),
        }
    }
}
