//! The last so many calls, exactly, without a lock.
//!
//! One shared index gives each call its slot, and a call is swapped with the oldest one there;
//! what the two differ by goes into the totals. A good call that replaces a good one changes
//! nothing, so the happy path is one `fetch_add` and one load.
//!
//! Calls that end while the breaker changes its state: whoever forgets the window has changed
//! the gate before. So a call whose generation is over either wrote before its slot was
//! emptied, or finds the gate changed after it wrote and takes its sample back. At rest the
//! totals are those of the slots, and no slot holds a result of an earlier generation.
//! `resilience/loom` runs every interleaving.

use super::sample::{Sample, Totals};
use crate::circuit_breaker::gate::Gate;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// A sliding window over calls.
#[derive(Debug)]
pub(crate) struct CountWindow {
    slots: Box<[AtomicU32]>,
    next: AtomicU64,
    totals: AtomicU64,
}

/// The most calls that a window can hold: what fits into a lane of the packed totals.
pub(crate) const MAXIMUM_CALLS: u32 = 1_000_000;

const EMPTY: u32 = 0;
const KIND_BITS: u32 = 3;

/// Calls, failures and slow calls share a word, in lanes of 21 bits. Two calls that meet in a
/// slot may take away before they add: the bias keeps a lane from borrowing of the next one.
const LANE_BITS: u32 = 21;
const LANE: u64 = (1 << LANE_BITS) - 1;
const BIAS: u64 = 1 << (LANE_BITS - 1);
const NOTHING: u64 = BIAS | (BIAS << LANE_BITS) | (BIAS << (2 * LANE_BITS));

impl CountWindow {
    /// An empty window over the last `calls` calls, at least one.
    pub(crate) fn new(calls: u32) -> Self {
        let slots = (0..calls.max(1)).map(|_| AtomicU32::new(EMPTY)).collect();
        Self {
            slots,
            next: AtomicU64::new(0),
            totals: AtomicU64::new(NOTHING),
        }
    }

    /// Adds a call, which pushes the oldest out of a full window. Returns false if the call was
    /// admitted in an earlier generation than the present one: it does not count.
    #[inline]
    pub(crate) fn record(&self, generation: u32, sample: Sample, gate: &Gate) -> bool {
        let ticket = self.next.fetch_add(1, Ordering::Relaxed);
        let index = (ticket % self.slots.len() as u64) as usize;
        let Some(slot) = self.slots.get(index) else {
            return false;
        };
        let new = encode(generation, sample);
        if slot.load(Ordering::Acquire) != new {
            let old = slot.swap(new, Ordering::AcqRel);
            self.replace(old, new);
        }
        if !gate.is_in(generation) {
            self.take_back(slot, new);
            return false;
        }
        true
    }

    /// What is in the window.
    #[inline]
    pub(crate) fn totals(&self) -> Totals {
        let packed = self.totals.load(Ordering::Acquire);
        let lane = |number: u32| {
            let biased = (packed >> (number * LANE_BITS)) & LANE;
            biased.saturating_sub(BIAS) as u32
        };
        Totals {
            calls: lane(0),
            failures: lane(1),
            slow: lane(2),
        }
    }

    /// Forgets every call. The gate must have left the generation whose calls are in here.
    pub(crate) fn clear(&self) {
        for slot in &self.slots {
            let old = slot.swap(EMPTY, Ordering::AcqRel);
            self.replace(old, EMPTY);
        }
    }

    /// The calls in the window, the oldest first.
    pub(crate) fn samples(&self) -> Vec<Sample> {
        let next = self.next.load(Ordering::Relaxed) % self.slots.len() as u64;
        let (newer, older) = self.slots.split_at(next as usize);
        let stored = older.iter().chain(newer);
        stored
            .filter_map(|slot| decode(slot.load(Ordering::Acquire)))
            .collect()
    }

    #[cold]
    fn take_back(&self, slot: &AtomicU32, mine: u32) {
        let taken = slot.compare_exchange(mine, EMPTY, Ordering::AcqRel, Ordering::Acquire);
        if taken.is_ok() {
            self.replace(mine, EMPTY);
        }
    }

    fn replace(&self, old: u32, new: u32) {
        let difference = weight(new).wrapping_sub(weight(old));
        if difference != 0 {
            self.totals.fetch_add(difference, Ordering::AcqRel);
        }
    }
}

fn encode(generation: u32, sample: Sample) -> u32 {
    let kind = 1 + u32::from(sample.failure) + 2 * u32::from(sample.slow);
    (generation << KIND_BITS) | kind
}

fn decode(slot: u32) -> Option<Sample> {
    let kind = (slot & ((1 << KIND_BITS) - 1)).checked_sub(1)?;
    Some(Sample {
        failure: kind & 1 == 1,
        slow: kind & 2 == 2,
    })
}

/// What a slot adds to the packed totals.
fn weight(slot: u32) -> u64 {
    decode(slot).map_or(0, |sample| {
        1 | (u64::from(sample.failure) << LANE_BITS) | (u64::from(sample.slow) << (2 * LANE_BITS))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::circuit_breaker::gate::Way;

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
            let gate = Gate::new();
            let window = CountWindow::new(calls);
            let mut kept = Vec::new();
            for (index, (failure, slow)) in history.into_iter().enumerate() {
                if index == cleared_at {
                    window.clear();
                    kept.clear();
                }
                let sample = Sample { failure, slow };
                kept.push(sample);
                let expected = naive(&kept, calls as usize);
                prop_assert!(window.record(0, sample, &gate));
                prop_assert_eq!(window.totals(), expected);
                let newest = kept.len().saturating_sub(calls as usize);
                prop_assert_eq!(window.samples(), &kept[newest..]);
            }
        }
    }

    /// Regression of a pitfall: a window that never slides drowns new failures in old
    /// successes.
    #[test]
    fn pitfall_the_window_never_slides() {
        let gate = Gate::new();
        let window = CountWindow::new(100);
        for _ in 0..2_100_000 {
            window.record(0, GOOD, &gate);
        }
        for _ in 0..50 {
            window.record(0, BAD, &gate);
        }
        let totals = Totals {
            calls: 100,
            failures: 51,
            slow: 0,
        };
        assert!(window.record(0, BAD, &gate));
        assert_eq!(window.totals(), totals);
    }

    #[test]
    fn a_result_of_an_earlier_generation_does_not_count() {
        let gate = Gate::new();
        let window = CountWindow::new(4);
        window.record(0, BAD, &gate);
        gate.publish(1, 0, Way::Ask);
        window.clear();
        gate.publish(2, 0, Way::Counted);
        assert!(!window.record(0, BAD, &gate));
        assert_eq!(window.totals(), Totals::default());
        assert!(window.record(2, BAD, &gate));
        assert_eq!(window.totals(), BAD.into());
    }

    #[test]
    fn four_threads_leave_exactly_the_last_calls() {
        let gate = Gate::new();
        let window = CountWindow::new(1_000);
        std::thread::scope(|scope| {
            for thread in 0..4_u32 {
                let (gate, window) = (&gate, &window);
                scope.spawn(move || {
                    for call in 0..20_000_u32 {
                        let failure = (call + thread) % 3 == 0;
                        let slow = (call + thread) % 5 == 0;
                        window.record(0, Sample { failure, slow }, gate);
                    }
                });
            }
        });
        let mut counted = Totals::default();
        for sample in window.samples() {
            counted.add(sample);
        }
        assert_eq!(counted.calls, 1_000);
        assert_eq!(window.totals(), counted);
    }

    #[test]
    fn the_largest_window_fits_into_its_lanes() {
        let gate = Gate::new();
        let window = CountWindow::new(MAXIMUM_CALLS);
        let worst = Sample {
            failure: true,
            slow: true,
        };
        for _ in 0..MAXIMUM_CALLS {
            window.record(0, worst, &gate);
        }
        let totals = Totals {
            calls: MAXIMUM_CALLS,
            failures: MAXIMUM_CALLS,
            slow: MAXIMUM_CALLS,
        };
        assert_eq!(window.totals(), totals);
    }
}
