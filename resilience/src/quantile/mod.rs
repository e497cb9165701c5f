//! A quantile of recent latencies, at a cost that does not grow with how many there were.
//!
//! Two histograms take every latency; every half window the older one is answered from no more
//! and the younger one takes its place. So an answer covers between half of the window and the
//! whole of it, and what is older has left altogether. A histogram has a fixed number of buckets
//! (`hdrhistogram`, two significant digits): an answer is at most 1 % too high.
//!
//! Hedges and adaptive timeouts are made of it. **When not to use it**: for a metric (a histogram
//! of Prometheus can be added up over instances, a quantile cannot), or with so few calls that
//! [`minimum_samples`](QuantileConfig::minimum_samples) is seldom reached.
//!
//! ```
//! use std::time::Duration;
//! use resilience::quantile::{LatencyQuantile, QuantileConfig};
//!
//! # fn main() -> Result<(), resilience::config::ConfigError> {
//! let p95 = LatencyQuantile::new(QuantileConfig::new(0.95).minimum_samples(100))?;
//! for millis in 1..=99 {
//!     p95.record(Duration::from_millis(millis));
//! }
//! assert_eq!(p95.value(), None, "too few to say");
//! p95.record(Duration::from_millis(100));
//! let value = p95.value().unwrap_or_default().as_millis();
//! assert!((95..=96).contains(&value), "{value}");
//! # Ok(())
//! # }
//! ```

use std::time::Duration;

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::config::{Checks, ConfigError};

/// The longest latency that is told apart from longer ones, in microseconds: a minute.
const LONGEST_MICROS: u64 = 60_000_000;

/// How many latencies are taken in before an answer is computed anew, as a part of all of them:
/// the answer is never more than a thirty-second of its data behind.
const STALE_PART: u64 = 32;

/// Which quantile, of how long back.
#[derive(Debug, Clone, Copy, PartialEq)]
#[must_use]
pub struct QuantileConfig {
    quantile: f64,
    window: Duration,
    minimum_samples: u32,
}

impl QuantileConfig {
    /// The quantile, above 0 and below 1, such as 0.95.
    pub const fn new(quantile: f64) -> Self {
        Self {
            quantile,
            window: Duration::from_secs(30),
            minimum_samples: 50,
        }
    }

    /// How far back it looks (default 30 s: long enough for a quantile of a quiet client, short
    /// enough to follow a deployment). A window beyond the end of time never forgets.
    pub const fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Below so many latencies there is no answer (default 50: a 95th percentile then has two
    /// or three latencies above it).
    pub const fn minimum_samples(mut self, samples: u32) -> Self {
        self.minimum_samples = samples;
        self
    }

    pub(crate) fn check(self, part: &'static str) -> Result<(), ConfigError> {
        let checks = Checks(part);
        if !(self.quantile > 0.0 && self.quantile < 1.0) {
            let expected = "more than 0 and less than 1";
            return Err(ConfigError::new(part, "quantile", self.quantile, expected));
        }
        checks.is_positive("window", self.window)?;
        checks.is_at_least_one("minimum_samples", self.minimum_samples)
    }
}

/// Follows one quantile of the latencies it is given.
#[derive(Debug)]
pub struct LatencyQuantile {
    config: QuantileConfig,
    recent: Mutex<Recent>,
}

#[derive(Debug)]
struct Recent {
    /// What is answered from.
    older: Histogram<u32>,
    younger: Histogram<u32>,
    /// When the younger one takes the place of the older one: never, where the window reaches
    /// beyond the end of time.
    turn: Option<Instant>,
    /// The answer, and of how many latencies it was computed.
    answer: Option<Duration>,
    answered_at: u64,
}

impl LatencyQuantile {
    /// Begins without any latency.
    ///
    /// # Errors
    ///
    /// A number that cannot be.
    pub fn new(config: QuantileConfig) -> Result<Self, ConfigError> {
        config.check("latency quantile")?;
        let histogram = || {
            Histogram::new_with_bounds(1, LONGEST_MICROS, 2).map_err(|error| {
                ConfigError::new("latency quantile", "histogram", error, "memory for it")
            })
        };
        Ok(Self {
            config,
            recent: Mutex::new(Recent {
                older: histogram()?,
                younger: histogram()?,
                turn: Instant::now().checked_add(config.window / 2),
                answer: None,
                answered_at: 0,
            }),
        })
    }

    /// Takes in one latency; what is longer than a minute counts as a minute.
    pub fn record(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LONGEST_MICROS);
        let mut recent = self.recent.lock();
        recent.turn_at(Instant::now(), self.config.window / 2);
        recent.older.saturating_record(micros);
        recent.younger.saturating_record(micros);
    }

    /// The quantile of what was recorded lately; `None` while that is too little.
    pub fn value(&self) -> Option<Duration> {
        let mut recent = self.recent.lock();
        recent.turn_at(Instant::now(), self.config.window / 2);
        let samples = recent.older.len();
        if samples < u64::from(self.config.minimum_samples) {
            return None;
        }
        let fresh = samples.saturating_sub(recent.answered_at);
        if recent.answer.is_none() || fresh > samples / STALE_PART {
            let micros = recent.older.value_at_quantile(self.config.quantile);
            recent.answer = Some(Duration::from_micros(micros));
            recent.answered_at = samples;
        }
        recent.answer
    }
}

impl Recent {
    fn turn_at(&mut self, now: Instant, half: Duration) {
        let Some(turn) = self.turn.filter(|turn| now >= *turn) else {
            return;
        };
        // After a whole half without any latency the younger one is old as well.
        let is_long_ago = now.saturating_duration_since(turn) >= half;
        std::mem::swap(&mut self.older, &mut self.younger);
        self.younger.reset();
        if is_long_ago {
            self.older.reset();
        }
        self.turn = now.checked_add(half);
        self.answer = None;
    }
}

#[cfg(test)]
mod tests;
