//! What a call reads before it starts: one word, so that a closed breaker takes no lock.

use crate::sync::atomic::{AtomicU64, Ordering};

/// What a call has to do with the breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It asks the state machine, and tells it how it ended.
    Ask,
    /// It passes, and how it ends is counted by the rules.
    Counted,
    /// It passes, and how it ends shows in metrics alone.
    Uncounted,
    /// It passes as if there were no breaker.
    Unseen,
}

/// The right to one call. Every change of the breaker begins a generation, and only results
/// of the present one count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Permit {
    pub(crate) generation: u32,
    pub(crate) way: Way,
}

/// The present generation, what its calls have to do, and the version of the rules.
///
/// A call may read it just before a change: its permit is then of an earlier generation.
#[derive(Debug)]
pub(crate) struct Gate(AtomicU64);

const WAY_BITS: u32 = 2;
const VERSION_BITS: u32 = 30;

impl Gate {
    /// A gate of generation 0 that lets calls pass and counts them.
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(encode(0, 0, Way::Counted)))
    }

    /// Whoever sees this sees what was written before it.
    pub(crate) fn publish(&self, generation: u32, version: u32, way: Way) {
        self.0
            .store(encode(generation, version, way), Ordering::Release);
    }

    /// A permit, unless the state machine must be asked for it; and the version of the rules.
    #[inline]
    pub(crate) fn read(&self) -> (Permit, u32) {
        let word = self.0.load(Ordering::Acquire);
        let permit = Permit {
            generation: (word >> (WAY_BITS + VERSION_BITS)) as u32,
            way: match word & ((1 << WAY_BITS) - 1) {
                0 => Way::Ask,
                1 => Way::Counted,
                2 => Way::Uncounted,
                _ => Way::Unseen,
            },
        };
        let version = (word >> WAY_BITS) as u32 & ((1 << VERSION_BITS) - 1);
        (permit, version)
    }

    /// Whether nothing has changed since a permit of this generation was given.
    #[inline]
    pub(crate) fn is_in(&self, generation: u32) -> bool {
        self.read().0.generation == generation
    }
}

fn encode(generation: u32, version: u32, way: Way) -> u64 {
    let way = match way {
        Way::Ask => 0,
        Way::Counted => 1,
        Way::Uncounted => 2,
        Way::Unseen => 3,
    };
    let version = u64::from(version) & ((1 << VERSION_BITS) - 1);
    (u64::from(generation) << (WAY_BITS + VERSION_BITS)) | (version << WAY_BITS) | way
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_is_read() {
        let gate = Gate::new();
        for way in [Way::Ask, Way::Counted, Way::Uncounted, Way::Unseen] {
            for (generation, version) in [(0, 0), (7, 3), (u32::MAX, (1 << VERSION_BITS) - 1)] {
                gate.publish(generation, version, way);
                assert_eq!(gate.read(), (Permit { generation, way }, version));
                assert!(gate.is_in(generation));
                assert!(!gate.is_in(generation.wrapping_add(1)));
            }
        }
    }
}
