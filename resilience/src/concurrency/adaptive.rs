//! How an adaptive limit moves: pure, with the clock as an argument.

use std::time::Duration;

use tokio::time::Instant;

use super::limit::{AdaptiveLimit, Rule};

/// How many calls a window has at least: fewer are no average.
const SAMPLES: u32 = 10;

/// How much longer than without a queue calls may take before the gradient shrinks the limit:
/// what lies below is noise.
const TOLERANCE: f64 = 1.03;

/// The part of the limit by which the gradient reaches out for more, and at least one place.
const REACH: f64 = 0.02;

/// The same until the first queue was seen: from a few places to a few hundred within seconds.
const FIRST_REACH: f64 = 0.25;

/// The least of its limit that one window leaves: one bad window is not the end.
const STEEPEST: f64 = 0.5;

/// What AIMD leaves of its limit when calls take too long. TCP takes 0.5; a tenth keeps the saw
/// small, since calls are not lost when it is late.
const BACK_OFF: f64 = 0.9;

/// One call that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) latency: Duration,
    /// How many were under way when it began, itself included.
    pub(super) in_flight: usize,
    pub(super) ended: Ended,
}

/// What came of a call that had a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was answered well: how long that took says whether there is a queue.
    Well,
    /// It failed, and how quickly that went says nothing: nobody refuses faster than what is down.
    Failed,
    /// It came to nothing since there was too much to do.
    Overloaded,
    /// Nobody waited for its end, which would have taken longer still.
    GivenUp,
}

/// An adaptive limit.
#[derive(Debug)]
pub(super) struct Adaptive {
    config: AdaptiveLimit,
    limit: f64,
    window: Window,
    /// How long calls take without a queue, in seconds.
    unqueued: Option<f64>,
    measuring: Measuring,
    /// Whether there was ever a queue.
    has_queued: bool,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    began: Instant,
    samples: u32,
    seconds: f64,
    most_in_flight: usize,
    overloaded: bool,
}

/// Where the gradient is with measuring how long calls take without a queue.
#[derive(Debug, Clone, Copy)]
enum Measuring {
    /// It will, then; never, where that lies beyond the end of time.
    At(Option<Instant>),
    /// The queue is being worked off under half the limit.
    Draining,
    /// What is measured now counts.
    Now,
}

impl Window {
    const fn new(began: Instant) -> Self {
        Self {
            began,
            samples: 0,
            seconds: 0.0,
            most_in_flight: 0,
            overloaded: false,
        }
    }

    fn average(&self) -> f64 {
        self.seconds / f64::from(self.samples.max(1))
    }
}

impl Adaptive {
    pub(super) fn new(mut config: AdaptiveLimit, now: Instant) -> Self {
        // Whoever did not check the numbers gets a gate with one place, not a panic.
        config.minimum = config.minimum.max(1);
        config.maximum = config.maximum.max(config.minimum);
        Self {
            config,
            limit: config.start() as f64,
            window: Window::new(now),
            unqueued: None,
            // The first calls find no queue.
            measuring: Measuring::Now,
            has_queued: false,
        }
    }

    /// How many may be under way.
    pub(super) fn limit(&self) -> usize {
        let limit = match self.measuring {
            Measuring::Draining | Measuring::Now if self.unqueued.is_some() => self.limit / 2.0,
            _ => self.limit,
        };
        (limit as usize).clamp(self.config.minimum, self.config.maximum)
    }

    /// Takes note of a call; the limit moves when a window is over.
    pub(super) fn record(&mut self, sample: Sample, now: Instant) {
        if !self.is_telling(sample) {
            return;
        }
        let window = &mut self.window;
        window.samples += 1;
        window.seconds += sample.latency.as_secs_f64();
        window.most_in_flight = window.most_in_flight.max(sample.in_flight);
        window.overloaded |= sample.ended == Ended::Overloaded;
        let is_over = now.saturating_duration_since(window.began) >= self.config.window;
        if !is_over || window.samples < SAMPLES {
            return;
        }
        let window = std::mem::replace(window, Window::new(now));
        let limit = match self.config.rule {
            Rule::Gradient { remeasure_every } => self.gradient(window, remeasure_every, now),
            Rule::Aimd { latency } => aimd(self.limit, window, latency),
        };
        let (minimum, maximum) = (self.config.minimum as f64, self.config.maximum as f64);
        self.limit = limit.clamp(minimum, maximum);
    }

    fn is_telling(&self, sample: Sample) -> bool {
        match sample.ended {
            Ended::Well | Ended::Overloaded => true,
            Ended::Failed => false,
            // Too long is too long already; what was quick so far might not have stayed so.
            Ended::GivenUp => {
                let usual = match self.config.rule {
                    Rule::Gradient { .. } => self.unqueued,
                    Rule::Aimd { latency } => Some(latency.as_secs_f64()),
                };
                usual.is_some_and(|usual| sample.latency.as_secs_f64() > usual)
            }
        }
    }

    fn gradient(&mut self, window: Window, remeasure_every: Duration, now: Instant) -> f64 {
        match self.measuring {
            Measuring::Draining => {
                self.measuring = Measuring::Now;
                return self.limit;
            }
            // What came to nothing is no measure: it goes on until a window is good.
            Measuring::Now if !window.overloaded => {
                self.unqueued = Some(window.average()).filter(|average| *average > 0.0);
                self.measuring = Measuring::At(now.checked_add(remeasure_every));
                return self.limit;
            }
            Measuring::At(Some(then)) if now >= then => self.measuring = Measuring::Draining,
            Measuring::Now | Measuring::At(_) => {}
        }
        let gradient = if window.overloaded {
            STEEPEST
        } else {
            self.quickness(window.average())
        };
        self.has_queued |= gradient < 1.0;
        let reach = if self.has_queued { REACH } else { FIRST_REACH };
        let reach = if is_used(self.limit, window) {
            (self.limit * reach).max(1.0)
        } else {
            0.0
        };
        self.limit * gradient + reach
    }

    /// How long calls take without a queue, as a share of what they take now.
    fn quickness(&mut self, average: f64) -> f64 {
        // What takes no time at all, as it may in paused time, has no queue and measures none.
        if average <= 0.0 {
            return 1.0;
        }
        // What is quicker than without a queue has none.
        let unqueued = self.unqueued.unwrap_or(average).min(average);
        self.unqueued = Some(unqueued);
        (TOLERANCE * unqueued / average).clamp(STEEPEST, 1.0)
    }
}

fn aimd(limit: f64, window: Window, latency: Duration) -> f64 {
    if window.overloaded || window.average() > latency.as_secs_f64() {
        return limit * BACK_OFF;
    }
    if is_used(limit, window) {
        limit + 1.0
    } else {
        limit
    }
}

/// Whether calls came close to the limit: one that nobody reaches needs not be higher.
fn is_used(limit: f64, window: Window) -> bool {
    window.most_in_flight as f64 >= limit * 0.8
}
