//! What a call reads before it starts: one word, so that neither a closed nor an open breaker
//! takes a lock.

use crate::sync::atomic::{AtomicU64, Ordering};

/// What a call has to do with the breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It asks the state machine, and tells it how it ended.
    Ask,
    /// It is refused until a probe is due.
    Waiting,
    /// It is refused while every probe is under way.
    Probing,
    /// It is refused, since an operator wants it so.
    Forced,
    /// It passes, and how it ends is counted by the rules.
    Counted,
    /// It passes, and how it ends shows in metrics alone.
    Uncounted,
    /// It passes as if there were no breaker.
    Unseen,
}

/// Since when calls are refused, and until when none of them needs to ask the state machine: in
/// nanoseconds of the breaker's own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) since: u64,
    pub(crate) until: u64,
}

/// The right to one call: the word of the gate as the call found it, in one register. Every
/// change of the breaker begins a generation, and only results of the present one count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Permit(u64);

const WAY_BITS: u32 = 3;
const VERSION_BITS: u32 = 29;
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

    /// Whether a call may go on without asking anybody. This and the next compare bits, since
    /// every call does it several times.
    #[inline]
    pub(crate) const fn passes(self) -> bool {
        self.0 & WAY >= Way::Counted as u64
    }

    #[inline]
    pub(crate) const fn is(self, way: Way) -> bool {
        self.0 & WAY == way as u64
    }

    pub(crate) const fn way(self) -> Way {
        match self.0 & WAY {
            0 => Way::Ask,
            1 => Way::Waiting,
            2 => Way::Probing,
            3 => Way::Forced,
            4 => Way::Counted,
            5 => Way::Uncounted,
            _ => Way::Unseen,
        }
    }
}

/// The present generation, what its calls have to do, and the version of the rules.
///
/// A call may read it just before a change: its permit is then of an earlier generation.
///
/// The span of a refusal stands beside the word. It changes while the word says something else,
/// or a refusal of the same generation, which its call may have met a moment earlier or later: so
/// who finds the same word before and after has read the span of that generation.
#[derive(Debug)]
pub(crate) struct Gate {
    word: AtomicU64,
    since: AtomicU64,
    until: AtomicU64,
}

impl Gate {
    /// A gate of generation 0 that lets calls pass and counts them.
    pub(crate) fn new() -> Self {
        Self {
            word: AtomicU64::new(Permit::new(0, 0, Way::Counted).0),
            since: AtomicU64::new(0),
            until: AtomicU64::new(0),
        }
    }

    /// Whoever sees this sees what was written before it.
    pub(crate) fn publish(&self, generation: u32, version: u32, way: Way) {
        self.word
            .store(Permit::new(generation, version, way).0, Ordering::Release);
    }

    /// Leaves the generation before for this one, whose calls have to ask until the gate is opened,
    /// and does meanwhile what late results must not come into: what they find is no longer theirs.
    pub(crate) fn turn<T>(&self, generation: u32, version: u32, change: impl FnOnce() -> T) -> T {
        self.publish(generation, version, Way::Ask);
        change()
    }

    /// Refuses every call, by one of the ways that do, until the end of the span.
    pub(crate) fn refuse(&self, generation: u32, version: u32, way: Way, span: Span) {
        self.publish(generation, version, Way::Ask);
        self.since.store(span.since, Ordering::Release);
        self.until.store(span.until, Ordering::Release);
        self.publish(generation, version, way);
    }

    /// A permit, unless its way is to ask the state machine for one, or a refusal.
    #[inline]
    pub(crate) fn read(&self) -> Permit {
        Permit(self.word.load(Ordering::Acquire))
    }

    /// The span of a refusal; `None` if the gate has changed since that was read.
    #[inline]
    pub(crate) fn span(&self, refusal: Permit) -> Option<Span> {
        let span = Span {
            since: self.since.load(Ordering::Acquire),
            until: self.until.load(Ordering::Acquire),
        };
        (self.read() == refusal).then_some(span)
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

    const ALL: [Way; 7] = [
        Way::Ask,
        Way::Waiting,
        Way::Probing,
        Way::Forced,
        Way::Counted,
        Way::Uncounted,
        Way::Unseen,
    ];

    #[test]
    fn only_what_is_neither_asked_nor_refused_passes() {
        let passes = |way: &Way| Permit::new(7, 3, *way).passes();
        let passing: Vec<Way> = ALL.into_iter().filter(passes).collect();
        assert_eq!(passing, [Way::Counted, Way::Uncounted, Way::Unseen]);
    }

    #[test]
    fn a_refusal_has_its_span_until_the_gate_changes() {
        let gate = Gate::new();
        let span = Span {
            since: 1,
            until: 20,
        };
        gate.refuse(1, 0, Way::Waiting, span);
        let refusal = gate.read();
        assert_eq!(gate.span(refusal), Some(span));
        gate.publish(2, 0, Way::Ask);
        assert_eq!(gate.span(refusal), None);
    }

    #[test]
    fn what_is_published_is_read() {
        let gate = Gate::new();
        for way in ALL {
            for (generation, version) in [(0, 0), (7, 3), (u32::MAX, VERSION as u32)] {
                gate.publish(generation, version, way);
                let permit = gate.read();
                assert_eq!(
                    (permit.generation(), permit.version(), permit.way()),
                    (generation, version, way)
                );
                assert!(permit.is(way));
                assert!(gate.is_in(generation));
                assert!(!gate.is_in(generation.wrapping_add(1)));
            }
        }
    }
}
