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

/// The right to one call: the word of the gate as the call found it, in one register. Every
/// change of the breaker begins a generation, and only results of the present one count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Permit(u64);

const WAY_BITS: u32 = 2;
const VERSION_BITS: u32 = 30;
const WAY: u64 = (1 << WAY_BITS) - 1;
const VERSION: u64 = (1 << VERSION_BITS) - 1;

impl Permit {
    /// Of a call that has nothing more to say.
    pub(crate) const SPENT: Self = Self::new(0, 0, Way::Unseen);

    pub(crate) const fn new(generation: u32, version: u32, way: Way) -> Self {
        let version = version as u64 & VERSION;
        Self(
            ((generation as u64) << (WAY_BITS + VERSION_BITS)) | (version << WAY_BITS) | way as u64,
        )
    }

    pub(crate) const fn generation(self) -> u32 {
        (self.0 >> (WAY_BITS + VERSION_BITS)) as u32
    }

    /// The version of the rules.
    pub(crate) const fn version(self) -> u32 {
        ((self.0 >> WAY_BITS) & VERSION) as u32
    }

    #[inline]
    pub(crate) const fn way(self) -> Way {
        match self.0 & WAY {
            0 => Way::Ask,
            1 => Way::Counted,
            2 => Way::Uncounted,
            _ => Way::Unseen,
        }
    }
}

/// The present generation, what its calls have to do, and the version of the rules.
///
/// A call may read it just before a change: its permit is then of an earlier generation.
#[derive(Debug)]
pub(crate) struct Gate(AtomicU64);

impl Gate {
    /// A gate of generation 0 that lets calls pass and counts them.
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(Permit::new(0, 0, Way::Counted).0))
    }

    /// Whoever sees this sees what was written before it.
    pub(crate) fn publish(&self, generation: u32, version: u32, way: Way) {
        self.0
            .store(Permit::new(generation, version, way).0, Ordering::Release);
    }

    /// A permit, unless its way is to ask the state machine for one.
    #[inline]
    pub(crate) fn read(&self) -> Permit {
        Permit(self.0.load(Ordering::Acquire))
    }

    /// Whether nothing has changed since a permit of this generation was given.
    #[inline]
    pub(crate) fn is_in(&self, generation: u32) -> bool {
        self.read().generation() == generation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_is_read() {
        let gate = Gate::new();
        for way in [Way::Ask, Way::Counted, Way::Uncounted, Way::Unseen] {
            for (generation, version) in [(0, 0), (7, 3), (u32::MAX, VERSION as u32)] {
                gate.publish(generation, version, way);
                let permit = gate.read();
                assert_eq!(
                    (permit.generation(), permit.version(), permit.way()),
                    (generation, version, way)
                );
                assert!(gate.is_in(generation));
                assert!(!gate.is_in(generation.wrapping_add(1)));
            }
        }
    }
}
