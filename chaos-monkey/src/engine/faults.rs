//! Carries the plan out: each fault at its time, unless a guard forbids it.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Stop;
use crate::fault;
use crate::guard::{self, Guard, HaltFileState, Situation};
use crate::journal::{Journal, PlannedFault, Record};
use crate::schema::{Guards, Phase};
use crate::target::Target;

/// The moment of a time in the journal.
pub(super) fn moment(zero: Instant, micros: i64) -> Instant {
    let after = Duration::from_micros(u64::try_from(micros).unwrap_or_default());
    zero.checked_add(after).unwrap_or(zero)
}

/// Carries a plan out, which is in the order of time, and returns when the last fault has ended.
/// When somebody asks to stop, no fault begins any more and all end at once.
pub(super) async fn carry_out<T: Target>(
    planned: &[PlannedFault],
    guards: &Guards,
    target: &T,
    journal: &Journal,
    zero: Instant,
    stop: &Stop,
) {
    let executor = Executor {
        target: target.clone(),
        journal: journal.clone(),
        guards: guard::all(guards),
        halt_file: guards.halt_file.clone(),
    };
    let mut running = JoinSet::new();
    // One after the other, so that the guards see what the fault before has broken, and faults of
    // the same moment always come in the same order.
    for fault in planned {
        tokio::select! {
            biased;
            () = stop.asked() => break,
            () = tokio::time::sleep_until(moment(zero, fault.at)) => {}
        }
        if executor.begin(fault).await {
            let (target, journal) = (target.clone(), journal.clone());
            let (fault, ending) = (fault.clone(), stop.subscribe());
            running.spawn(async move {
                fault::finish(&target, &fault, ending).await;
                journal.record(Record::FaultEnded { fault: fault.id });
            });
        }
    }
    while running.join_next().await.is_some() {}
    if !stop.is_asked() {
        journal.record(Record::Phase {
            phase: Phase::After,
        });
    }
}

struct Executor<T> {
    target: T,
    journal: Journal,
    guards: Vec<Box<dyn Guard>>,
    halt_file: Option<String>,
}

impl<T: Target> Executor<T> {
    /// Asks the guards and breaks the victims; whether they are broken.
    async fn begin(&self, fault: &PlannedFault) -> bool {
        if let Err(veto) = guard::decide(&self.guards, &self.situation(), fault) {
            self.journal.record(Record::FaultVetoed {
                fault: fault.id.clone(),
                guard: veto.guard.to_owned(),
                reason: veto.reason,
            });
            return false;
        }
        if !fault::is_known(fault) {
            self.journal.record(Record::FaultFailed {
                fault: fault.id.clone(),
                reason: format!(
                    "`{}` is no kind of fault: use kill, pause or outage",
                    fault.kind
                ),
            });
            return false;
        }
        // Recorded first: whatever users notice comes after it.
        self.journal.record(Record::FaultBegan {
            fault: fault.id.clone(),
            kind: fault.kind.clone(),
            victims: fault.victims.clone(),
        });
        if let Err(error) = fault::begin(&self.target, fault).await {
            self.journal.record(Record::FaultFailed {
                fault: fault.id.clone(),
                reason: error.to_string(),
            });
            return false;
        }
        true
    }

    fn situation(&self) -> Situation {
        let instances: BTreeMap<_, _> = self
            .target
            .snapshot()
            .into_iter()
            .map(|status| (status.instance, status.state))
            .collect();
        Situation {
            instances,
            halt_file: self
                .halt_file
                .as_ref()
                .map_or(HaltFileState::Absent, |path| match std::fs::exists(path) {
                    Ok(true) => HaltFileState::Present,
                    Ok(false) => HaltFileState::Absent,
                    Err(error) => HaltFileState::Unknown(error.to_string()),
                }),
        }
    }
}

#[cfg(test)]
mod tests;
