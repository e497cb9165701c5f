//! The last so many calls: a ring that overwrites the oldest.

use super::{Sample, Totals};

/// A sliding window over calls.
#[derive(Debug)]
pub(in crate::circuit_breaker) struct CountWindow {
    ring: Box<[Option<Sample>]>,
    next: usize,
    totals: Totals,
}

impl CountWindow {
    /// An empty window over the last `calls` calls, at least one.
    pub(in crate::circuit_breaker) fn new(calls: u32) -> Self {
        Self {
            ring: vec![None; calls.max(1) as usize].into_boxed_slice(),
            next: 0,
            totals: Totals::default(),
        }
    }

    /// Adds a call, which pushes the oldest out of a full window.
    pub(in crate::circuit_breaker) fn record(&mut self, sample: Sample) -> Totals {
        if let Some(slot) = self.ring.get_mut(self.next) {
            if let Some(oldest) = slot.replace(sample) {
                self.totals.remove(oldest.into());
            }
            self.totals.add(sample);
        }
        self.next += 1;
        if self.next == self.ring.len() {
            self.next = 0;
        }
        self.totals
    }

    /// Forgets every call.
    pub(in crate::circuit_breaker) fn clear(&mut self) {
        self.ring.fill(None);
        self.next = 0;
        self.totals = Totals::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: Sample = Sample {
        failure: false,
        slow: false,
    };
    const BAD: Sample = Sample {
        failure: true,
        slow: false,
    };

    /// The window as one would write it without a thought for its cost.
    fn naive(history: &[Sample], calls: usize) -> Totals {
        let mut totals = Totals::default();
        for sample in history.iter().rev().take(calls) {
            totals.add(*sample);
        }
        totals
    }

    proptest! {
        #[test]
        fn agrees_with_a_naive_reference_after_every_call(
            calls in 1_u32..40,
            history in prop::collection::vec((any::<bool>(), any::<bool>()), 0..200),
            cleared_at in 0_usize..300,
        ) {
            let mut window = CountWindow::new(calls);
            let mut kept = Vec::new();
            for (index, (failure, slow)) in history.into_iter().enumerate() {
                if index == cleared_at {
                    window.clear();
                    kept.clear();
                }
                let sample = Sample { failure, slow };
                kept.push(sample);
                prop_assert_eq!(window.record(sample), naive(&kept, calls as usize));
            }
        }
    }

    /// Regression of a pitfall: a window that never slides drowns new failures in old
    /// successes.
    #[test]
    fn the_window_slides_after_millions_of_successes() {
        let mut window = CountWindow::new(100);
        for _ in 0..2_100_000 {
            window.record(GOOD);
        }
        for _ in 0..50 {
            window.record(BAD);
        }
        assert_eq!(
            window.record(BAD),
            Totals {
                calls: 100,
                failures: 51,
                slow: 0
            }
        );
    }
}
