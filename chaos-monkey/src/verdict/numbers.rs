//! What is counted over any set of user requests.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::journal::RequestResult;
use crate::schema::{Bound, Metric};

/// The longest latency that is told apart, in microseconds: ten minutes.
const LONGEST_LATENCY: u64 = 600_000_000;
/// Decimal digits that a latency keeps.
const LATENCY_DIGITS: u8 = 3;
/// Decimal digits that a latency keeps in a slot, of which there are many and which only a chart
/// shows.
const COARSE_DIGITS: u8 = 2;

/// One user request as far as numbers need it. Times are microseconds since the load began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// When it should have been sent.
    pub intended: i64,
    /// When it ended.
    pub ended: i64,
    /// The journey, an index into [`super::Fold::journeys`].
    pub journey: u16,
    /// How it ended.
    pub result: RequestResult,
    /// Whether the first attempt alone would have been enough.
    pub first_attempt: bool,
    /// How complete the answer was, 0 to 1; 0 for a failed request.
    pub harvest: f32,
}

impl Measured {
    /// Microseconds from the intended start to the end.
    pub fn latency(&self) -> u64 {
        u64::try_from(self.ended.saturating_sub(self.intended)).unwrap_or(0)
    }
}

/// Latency from the intended start, failed requests included, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// The median.
    pub p50: f64,
    /// The 95th percentile.
    pub p95: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

/// What is counted over a set of user requests.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Numbers {
    /// How many there were.
    pub requests: u64,
    /// Those with a complete answer.
    pub full: u64,
    /// Those with a usable answer of which a part was replaced.
    pub degraded: u64,
    /// Those without a usable answer.
    pub failed: u64,
    /// `(full + degraded) / requests`; nothing without requests.
    #[serde(rename = "yield")]
    pub yield_ratio: Option<f64>,
    /// The share whose first attempt got a usable answer; nothing without requests.
    pub first_attempt_yield: Option<f64>,
    /// The mean harvest of the usable answers; nothing without usable answers.
    pub harvest: Option<f64>,
    /// Latency; nothing without requests.
    pub latency: Option<Latency>,
}

impl Numbers {
    /// The numbers of these requests.
    pub fn of<'a>(requests: impl IntoIterator<Item = &'a Measured>) -> Self {
        let mut tally = Tally::default();
        requests.into_iter().for_each(|request| tally.add(request));
        tally.numbers()
    }

    /// One of the numbers, or nothing where it is not defined.
    pub fn metric(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Yield => self.yield_ratio,
            Metric::FirstAttemptYield => self.first_attempt_yield,
            Metric::Harvest => self.harvest,
            Metric::LatencyP50 => self.latency.map(|latency| latency.p50),
            Metric::LatencyP95 => self.latency.map(|latency| latency.p95),
            Metric::LatencyP99 => self.latency.map(|latency| latency.p99),
        }
    }
}

/// A value of a metric, and how many requests it was measured on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// The value; nothing where it is not defined. Ratios from 0 to 1, latencies in milliseconds.
    pub value: Option<f64>,
    /// How many requests it was measured on: usable ones for harvest, all of them otherwise.
    pub samples: u64,
}

impl Sample {
    /// The sample of a metric in these numbers.
    pub fn of(numbers: &Numbers, metric: Metric) -> Self {
        let samples = match metric {
            Metric::Harvest => numbers.full + numbers.degraded,
            _ => numbers.requests,
        };
        Self {
            value: numbers.metric(metric),
            samples,
        }
    }
}

/// Whether a value lies within a bound.
pub fn is_within(value: f64, bound: Bound) -> bool {
    match bound {
        Bound::AtLeast(limit) => value >= limit,
        Bound::AtMost(limit) => value <= limit,
    }
}

/// Milliseconds of a length in microseconds.
pub fn milliseconds(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

/// Microseconds of a length of time, saturating.
pub fn micros(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}

/// Collects numbers; reusable, since its histogram is the costly part.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    requests: u64,
    full: u64,
    degraded: u64,
    first_attempt: u64,
    harvest: f64,
    latency: Latencies,
}

impl Tally {
    /// A tally for many small sets: its latencies keep two digits.
    pub(crate) fn coarse() -> Self {
        Self {
            latency: Latencies {
                digits: COARSE_DIGITS,
                ..Latencies::default()
            },
            ..Self::default()
        }
    }

    pub(crate) fn add(&mut self, request: &Measured) {
        self.requests += 1;
        self.first_attempt += u64::from(request.first_attempt);
        match request.result {
            RequestResult::Full => self.full += 1,
            RequestResult::Degraded => self.degraded += 1,
            RequestResult::Failed => {}
        }
        if request.result != RequestResult::Failed {
            self.harvest += f64::from(request.harvest);
        }
        self.latency.add(request.latency());
    }

    /// The numbers of what was added.
    pub(crate) fn numbers(&self) -> Numbers {
        let usable = self.full + self.degraded;
        Numbers {
            requests: self.requests,
            full: self.full,
            degraded: self.degraded,
            failed: self.requests - usable,
            yield_ratio: ratio(usable as f64, self.requests),
            first_attempt_yield: ratio(self.first_attempt as f64, self.requests),
            harvest: ratio(self.harvest, usable),
            latency: self.latency.summary(),
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        let mut latency = std::mem::take(&mut self.latency);
        latency.clear();
        *self = Self {
            latency,
            ..Self::default()
        };
    }
}

/// A share, or nothing of nothing. Six decimals are kept, so that a sum of many small weights
/// reads the same whatever its last bits.
fn ratio(part: f64, whole: u64) -> Option<f64> {
    if whole == 0 {
        return None;
    }
    Some((part / whole as f64 * 1e6).round() / 1e6)
}

/// Latencies in microseconds; the histogram is made with the first one and grows with the longest.
#[derive(Debug)]
struct Latencies {
    digits: u8,
    histogram: Option<Histogram<u32>>,
}

impl Default for Latencies {
    fn default() -> Self {
        Self {
            digits: LATENCY_DIGITS,
            histogram: None,
        }
    }
}

impl Latencies {
    fn add(&mut self, micros: u64) {
        if self.histogram.is_none() {
            self.histogram = Histogram::new(self.digits).ok();
        }
        if let Some(histogram) = &mut self.histogram {
            // Cannot be refused: the histogram grows, and nothing is beyond the longest.
            let _ = histogram.record(micros.clamp(1, LONGEST_LATENCY));
        }
    }

    fn clear(&mut self) {
        if let Some(histogram) = self
            .histogram
            .as_mut()
            .filter(|histogram| !histogram.is_empty())
        {
            histogram.reset();
        }
    }

    fn summary(&self) -> Option<Latency> {
        let histogram = self
            .histogram
            .as_ref()
            .filter(|histogram| !histogram.is_empty())?;
        let at = |quantile| milliseconds(histogram.value_at_quantile(quantile));
        Some(Latency {
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            max: milliseconds(histogram.max()),
        })
    }
}
