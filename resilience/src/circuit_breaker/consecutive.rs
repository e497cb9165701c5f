//! Failures in a row, without a lock: a success costs one load.

use super::gate::Gate;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Counts failures since the last success.
#[derive(Debug)]
pub(crate) struct Consecutive {
    limit: u32,
    /// The generation above, the failures in a row below: what an earlier generation left is
    /// worth nothing in the present one.
    run: AtomicU64,
}

impl Consecutive {
    /// Reached at `limit` failures in a row.
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            limit,
            run: AtomicU64::new(0),
        }
    }

    /// Goes on in `generation` with the failures in a row that `before` counted in the generation
    /// before it.
    pub(crate) fn resumed(limit: u32, generation: u32, before: &Self) -> Self {
        let seen = before.run.load(Ordering::Acquire);
        let is_present = (seen >> 32) as u32 == generation.wrapping_sub(1);
        let run = if is_present { seen & 0xffff_ffff } else { 0 };
        Self {
            limit,
            run: AtomicU64::new((u64::from(generation) << 32) | run),
        }
    }

    /// Counts a call, and says whether there are too many failures in a row now.
    #[inline]
    pub(crate) fn record(&self, generation: u32, failure: bool, gate: &Gate) -> bool {
        // Whoever sees a later generation here must see it at the gate, too.
        let seen = self.run.load(Ordering::Acquire);
        if !failure && seen as u32 == 0 {
            return false;
        }
        self.change(seen, generation, failure, gate)
    }

    #[inline(never)]
    fn change(&self, mut seen: u64, generation: u32, failure: bool, gate: &Gate) -> bool {
        loop {
            let is_mine = (seen >> 32) as u32 == generation;
            // A result of an earlier generation must not overwrite the count of a later one.
            if !is_mine && (!failure || !gate.is_in(generation)) {
                return false;
            }
            let run = match (failure, is_mine) {
                (false, _) => 0,
                (true, false) => 1,
                (true, true) => (seen as u32).saturating_add(1),
            };
            let next = (u64::from(generation) << 32) | u64::from(run);
            let exchanged =
                self.run
                    .compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Acquire);
            match exchanged {
                Ok(_) => return failure && run >= self.limit,
                Err(present) => seen = present,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::gate::Way;
    use super::*;

    proptest! {
        #[test]
        fn agrees_with_a_naive_reference(
            limit in 1_u32..5,
            calls in prop::collection::vec(any::<bool>(), 0..60),
        ) {
            let consecutive = Consecutive::new(limit);
            let gate = Gate::new();
            let mut history = Vec::new();
            for failure in calls {
                history.push(failure);
                let run = history.iter().rev().take_while(|failure| **failure).count();
                prop_assert_eq!(
                    consecutive.record(0, failure, &gate),
                    failure && run >= limit as usize
                );
            }
        }
    }

    #[test]
    fn a_resumed_count_goes_on_unless_it_is_of_an_earlier_generation() {
        let before = Consecutive::new(5);
        let gate = Gate::new();
        for _ in 0..2 {
            before.record(0, true, &gate);
        }
        let after = Consecutive::resumed(3, 1, &before);
        gate.publish(1, 1, Way::Counted);
        assert!(!before.record(0, true, &gate));
        assert!(after.record(1, true, &gate));
        let much_later = Consecutive::resumed(3, 7, &after);
        gate.publish(7, 2, Way::Counted);
        assert!(!much_later.record(7, true, &gate));
    }

    #[test]
    fn a_stale_result_neither_adds_to_the_present_run_nor_ends_it() {
        let consecutive = Consecutive::new(2);
        let gate = Gate::new();
        assert!(!consecutive.record(0, true, &gate));
        gate.publish(3, 0, Way::Counted);
        assert!(!consecutive.record(3, true, &gate));
        assert!(!consecutive.record(0, true, &gate));
        assert!(!consecutive.record(0, false, &gate));
        assert!(consecutive.record(3, true, &gate));
    }
}
