//! What the last calls were like: sliding windows over calls or over time.
//!
//! Both keep running totals, so that recording a call and asking for the totals cost the
//! same whatever the size of the window.

mod count;
mod sample;
mod time;

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::clock::Clock;
use super::gate::Gate;

pub(super) use count::{CountWindow, MAXIMUM_CALLS};
pub(super) use sample::{Sample, Totals};
pub(super) use time::TimeWindow;

/// The most buckets of a window of time: finer steps than these change no decision.
pub(super) const MAXIMUM_BUCKETS: u32 = 10_000;

/// Over what the rates of a breaker are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Window {
    /// Over the last so many calls. A call that ends at the very moment at which the breaker
    /// begins to count anew may leave one of the places empty until it is taken again, so that
    /// the window holds one call less for so long.
    Count {
        /// How many calls, at most 1,000,000.
        calls: u32,
    },
    /// Over the last so much time, forgotten in steps of `span / buckets`. The window
    /// therefore covers between `span − span / buckets` and `span`.
    Time {
        /// How much time.
        span: Duration,
        /// In how many steps it is forgotten, at most 10,000.
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

/// Either window, behind one interface, shared by every call.
#[derive(Debug)]
pub(super) enum SlidingWindow {
    Count(CountWindow),
    Time(Mutex<TimeWindow>),
}

impl SlidingWindow {
    /// An empty window; one of time starts at `now`.
    pub(super) fn new(window: Window, now: Instant) -> Self {
        match window {
            Window::Count { calls } => Self::Count(CountWindow::new(calls)),
            Window::Time { span, buckets } => {
                Self::Time(Mutex::new(TimeWindow::new(span, buckets, now)))
            }
        }
    }

    /// A window of another size that begins with the newest calls of this one. Calls of a
    /// window of time cannot be told apart: a window that begins as one, or that follows one,
    /// begins empty.
    pub(super) fn resized(&self, window: Window, now: Instant) -> Self {
        let (Self::Count(old), Window::Count { calls }) = (self, window) else {
            return Self::new(window, now);
        };
        let samples = old.samples();
        let newest = samples.len().saturating_sub(calls as usize);
        let resized = CountWindow::new(calls);
        let (gate, generation) = (Gate::new(), 0);
        for sample in samples.get(newest..).unwrap_or_default() {
            resized.record(generation, *sample, &gate);
        }
        Self::Count(resized)
    }

    /// Adds a call. Returns false for one that was admitted in an earlier generation: it does
    /// not count.
    #[inline]
    pub(super) fn record(
        &self,
        generation: u32,
        sample: Sample,
        clock: &mut Clock,
        gate: &Gate,
    ) -> bool {
        match self {
            Self::Count(window) => window.record(generation, sample, gate),
            Self::Time(window) => record_in_time(window, generation, sample, clock.now(), gate),
        }
    }

    /// What is in the window at `now`.
    pub(super) fn totals(&self, now: Instant) -> Totals {
        match self {
            Self::Count(window) => window.totals(),
            Self::Time(window) => window.lock().totals(now),
        }
    }

    /// Forgets every call. The gate must have left the generation whose calls are in here.
    pub(super) fn clear(&self) {
        match self {
            Self::Count(window) => window.clear(),
            Self::Time(window) => window.lock().clear(),
        }
    }
}

#[inline(never)]
fn record_in_time(
    window: &Mutex<TimeWindow>,
    generation: u32,
    sample: Sample,
    now: Instant,
    gate: &Gate,
) -> bool {
    let mut window = window.lock();
    // Under the lock: whoever clears the window has changed the gate before.
    if !gate.is_in(generation) {
        return false;
    }
    window.record(sample, now);
    true
}
