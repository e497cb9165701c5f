//! From the journal to the verdict.
//!
//! ```text
//! journal entries → Fold → Run (every number) → Verdict
//!                    └→ live display, abort conditions
//! ```
//!
//! Everything here is a pure function of the journal: no clock, no path, no locale. What each
//! number means stands in `docs/verdict.md`.

mod attribution;
mod breakers;
mod degradations;
mod derive;
mod fold;
mod instances;
mod judge;
mod live;
mod numbers;
mod outcome;
mod phases;
mod recovery;
mod run;
mod slots;
mod steady_state;
mod stops;
#[cfg(test)]
pub(crate) mod synthetic;
#[cfg(test)]
mod tests;
pub mod words;

pub use attribution::GRACE_MICROS;
pub use fold::Fold;
pub use judge::{LATE_SHARE, judge};
pub use live::{BrokenNow, Live, LiveInstance};
pub use numbers::{Latency, Measured, Numbers, Sample, is_within, micros, milliseconds};
pub use outcome::{Outcome, Reason, ReasonKind, Verdict};
pub use recovery::HARVEST_SLACK;
pub use run::{
    About, BreakerTransition, CauseCount, DegradationCount, Evidence, FaultRun, Generator,
    InstanceEnd, InstanceRun, InstanceState, JourneyRun, Limit, Lost, PhaseRun, Prevented,
    ReadBackRun, RecoveryRun, RecoveryStatus, Replaced, Run, Slot, StateSpan, StatementPhase,
    StatementRun, StatementStatus, Stop, Troubled, Windows,
};
pub use slots::SLOT_MICROS;

use crate::journal::Entry;

/// Everything that can be derived from a journal.
pub fn fold(entries: &[Entry]) -> Run {
    let mut fold = Fold::new();
    for entry in entries {
        fold.push(entry);
    }
    fold.run()
}
