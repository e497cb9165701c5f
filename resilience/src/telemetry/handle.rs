use std::time::Duration;

use prometheus::{IntCounter, IntGauge};

/// A counter, resolved for one label set.
#[derive(Debug, Clone)]
pub struct Counter(Option<IntCounter>);

impl Counter {
    pub(super) const fn new(counter: Option<IntCounter>) -> Self {
        Self(counter)
    }

    /// Adds one.
    #[inline]
    pub fn increment(&self) {
        if let Some(counter) = &self.0 {
            counter.inc();
        }
    }

    /// What was counted so far.
    pub fn value(&self) -> u64 {
        self.0.as_ref().map_or(0, IntCounter::get)
    }
}

/// A gauge, resolved for one label set.
#[derive(Debug, Clone)]
pub struct Gauge(Option<IntGauge>);

impl Gauge {
    pub(super) const fn new(gauge: Option<IntGauge>) -> Self {
        Self(gauge)
    }

    /// Adds `difference`, which may be negative.
    pub fn add(&self, difference: i64) {
        if let Some(gauge) = &self.0 {
            gauge.add(difference);
        }
    }

    /// Sets the gauge.
    pub fn set(&self, value: i64) {
        if let Some(gauge) = &self.0 {
            gauge.set(value);
        }
    }

    /// The present value.
    pub fn value(&self) -> i64 {
        self.0.as_ref().map_or(0, IntGauge::get)
    }

    /// Adds one now and takes it away when the returned guard is dropped, cancellation included.
    pub fn track(&self) -> InFlight {
        self.add(1);
        InFlight(self.clone())
    }
}

/// Holds a gauge one higher for as long as it lives.
#[derive(Debug)]
pub struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.add(-1);
    }
}

/// A histogram of seconds, resolved for one label set.
#[derive(Debug, Clone)]
pub struct Histogram(Option<prometheus::Histogram>);

impl Histogram {
    pub(super) const fn new(histogram: Option<prometheus::Histogram>) -> Self {
        Self(histogram)
    }

    /// Records one duration, in seconds.
    pub fn observe(&self, duration: Duration) {
        if let Some(histogram) = &self.0 {
            histogram.observe(duration.as_secs_f64());
        }
    }

    /// How many durations were recorded.
    pub fn count(&self) -> u64 {
        self.0
            .as_ref()
            .map_or(0, prometheus::Histogram::get_sample_count)
    }
}

/// One gauge per state of a machine, of which exactly one is 1.
#[derive(Debug, Clone)]
pub struct StateGauge(Vec<(&'static str, Gauge)>);

impl StateGauge {
    pub(super) const fn new(states: Vec<(&'static str, Gauge)>) -> Self {
        Self(states)
    }

    /// Sets the gauge of `state` to 1 and every other one to 0.
    ///
    /// The others are zeroed first, so that a scrape in between sees no state rather than two.
    pub fn set(&self, state: &str) {
        for (name, gauge) in &self.0 {
            if *name != state {
                gauge.set(0);
            }
        }
        for (name, gauge) in &self.0 {
            if *name == state {
                gauge.set(1);
            }
        }
    }
}
