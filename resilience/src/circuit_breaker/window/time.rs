//! The last so much time: a ring of buckets, the oldest of which is emptied as time goes.

use std::time::Duration;

use tokio::time::Instant;

use super::sample::{Sample, Totals};

/// A sliding window over time.
///
/// Its buckets are fixed slices of time counted from `start`, not a moving average:
/// a burst leaves the window whole, at a known moment.
#[derive(Debug)]
pub(in crate::circuit_breaker) struct TimeWindow {
    buckets: Box<[Totals]>,
    width_nanos: u64,
    start: Instant,
    /// The number of the newest bucket, counted from `start`.
    newest: u64,
    totals: Totals,
}

impl TimeWindow {
    /// An empty window over `span` in `buckets` slices, at least one, each at least 1 ns.
    pub(in crate::circuit_breaker) fn new(span: Duration, buckets: u32, start: Instant) -> Self {
        let buckets = buckets.max(1);
        Self {
            buckets: vec![Totals::default(); buckets as usize].into_boxed_slice(),
            width_nanos: nanos(span / buckets).max(1),
            start,
            newest: 0,
            totals: Totals::default(),
        }
    }

    /// Adds a call that ended at `now`.
    ///
    /// Two threads may read the clock in one order and come here in the other: a call
    /// from before the newest bucket counts in the newest.
    pub(in crate::circuit_breaker) fn record(&mut self, sample: Sample, now: Instant) -> Totals {
        self.advance(self.bucket_number(now));
        let slot = self.slot(self.newest);
        if let Some(bucket) = self.buckets.get_mut(slot) {
            bucket.add(sample);
            self.totals.add(sample);
        }
        self.totals
    }

    /// What is in the window at `now`.
    pub(in crate::circuit_breaker) fn totals(&mut self, now: Instant) -> Totals {
        self.advance(self.bucket_number(now));
        self.totals
    }

    /// Forgets every call.
    pub(in crate::circuit_breaker) fn clear(&mut self) {
        self.buckets.fill(Totals::default());
        self.totals = Totals::default();
    }

    /// Empties the buckets between the newest so far and `number`: at most all of them,
    /// however long nothing was recorded.
    fn advance(&mut self, number: u64) {
        let steps = number.saturating_sub(self.newest);
        if steps >= self.buckets.len() as u64 {
            self.clear();
            self.newest = number;
            return;
        }
        for _ in 0..steps {
            self.newest += 1;
            let slot = self.slot(self.newest);
            if let Some(bucket) = self.buckets.get_mut(slot) {
                self.totals.remove(std::mem::take(bucket));
            }
        }
    }

    fn bucket_number(&self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(self.start)) / self.width_nanos
    }

    fn slot(&self, number: u64) -> usize {
        (number % self.buckets.len().max(1) as u64) as usize
    }
}

/// 64 bits of nanoseconds are 584 years, and their division is a fast one.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BAD: Sample = Sample {
        failure: true,
        slow: false,
    };

    /// The window as one would write it without a thought for its cost: one record per
    /// call, all of them looked at every time.
    struct Naive {
        calls: Vec<(u64, Sample)>,
    }

    impl Naive {
        fn record(&mut self, bucket: u64, sample: Sample, buckets: u64) -> Totals {
            let newest = self
                .calls
                .last()
                .map_or(bucket, |(last, _)| bucket.max(*last));
            self.calls.push((newest, sample));
            let mut totals = Totals::default();
            for (bucket, sample) in &self.calls {
                if bucket + buckets > newest {
                    totals.add(*sample);
                }
            }
            totals
        }
    }

    proptest! {
        #[test]
        fn agrees_with_a_naive_reference_after_every_call(
            buckets in 1_u32..12,
            width_ms in 1_u64..50,
            calls in prop::collection::vec((-20_i64..200, any::<bool>(), any::<bool>()), 0..200),
        ) {
            let start = Instant::now();
            let span = Duration::from_millis(width_ms) * buckets;
            let mut window = TimeWindow::new(span, buckets, start);
            let mut reference = Naive { calls: Vec::new() };
            let mut clock_ms = 0_u64;
            for (step_ms, failure, slow) in calls {
                clock_ms = clock_ms.saturating_add_signed(step_ms);
                let sample = Sample { failure, slow };
                let recorded = window.record(sample, start + Duration::from_millis(clock_ms));
                let expected = reference.record(clock_ms / width_ms, sample, u64::from(buckets));
                prop_assert_eq!(recorded, expected);
            }
        }
    }

    #[test]
    fn a_burst_leaves_the_window_when_its_bucket_does() {
        let start = Instant::now();
        let mut window = TimeWindow::new(Duration::from_secs(10), 10, start);
        for _ in 0..1_000 {
            window.record(BAD, start);
        }
        let still_there = window.record(BAD, start + Duration::from_millis(9_999));
        assert_eq!(still_there.calls, 1_001);
        let gone = window.record(BAD, start + Duration::from_secs(10));
        assert_eq!(gone.calls, 2);
    }

    /// Bucket by bucket this silence would take years to get over.
    #[test]
    fn a_long_silence_empties_the_window_at_once() {
        let start = Instant::now();
        let mut window = TimeWindow::new(Duration::from_nanos(10), 10, start);
        window.record(BAD, start);
        let after_years = window.record(BAD, start + Duration::from_secs(1 << 30));
        assert_eq!(after_years, BAD.into());
    }

    #[test]
    fn pitfall_time_is_subtracted_without_saturation() {
        let start = Instant::now() + Duration::from_mins(1);
        let mut window = TimeWindow::new(Duration::from_secs(1), 4, start);
        window.record(BAD, start + Duration::from_secs(5));
        let totals = window.record(BAD, start.checked_sub(Duration::from_secs(1)).unwrap());
        assert_eq!(totals.calls, 2);
    }

    /// Its size is that of its buckets, and its totals are kept: what the buckets hold is not
    /// looked at when a call is recorded.
    #[test]
    fn pitfall_the_time_window_keeps_and_rescans_one_record_per_call() {
        let start = Instant::now();
        let mut window = TimeWindow::new(Duration::from_secs(10), 10, start);
        for call in 0..100_000_u64 {
            window.record(BAD, start + Duration::from_micros(call * 50));
        }
        assert_eq!(window.totals.calls, 100_000);
        assert_eq!(size_of_val(&*window.buckets), 10 * size_of::<Totals>());

        window.buckets.fill(Totals::default());
        let after = window.record(BAD, start + Duration::from_secs(5));
        assert_eq!(after.calls, 100_001);
    }

    #[test]
    fn absurd_spans_do_not_panic() {
        let start = Instant::now();
        for span in [Duration::ZERO, Duration::MAX] {
            let mut window = TimeWindow::new(span, 0, start);
            assert_eq!(window.record(BAD, start).calls, 1);
        }
    }
}
