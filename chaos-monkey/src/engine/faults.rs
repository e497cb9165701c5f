//! Carries the plan out: each fault at its time, unless a guard forbids it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
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

/// Carries all faults out and returns when the last one has ended.
pub(super) async fn carry_out<T: Target>(
    planned: Vec<PlannedFault>,
    guards: &Guards,
    target: &T,
    journal: &Journal,
    zero: Instant,
    stop: &Stop,
) {
    let executor = Arc::new(Executor {
        target: target.clone(),
        journal: journal.clone(),
        guards: guard::all(guards),
        halt_file: guards.halt_file.clone(),
        stop: stop.clone(),
        one_at_a_time: Mutex::new(()),
    });
    let mut running: JoinSet<()> = planned
        .into_iter()
        .map(|fault| {
            let executor = Arc::clone(&executor);
            async move { executor.execute(&fault, zero).await }
        })
        .collect();
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
    stop: Stop,
    /// What one fault breaks must be seen by the guards of the next.
    one_at_a_time: Mutex<()>,
}

impl<T: Target> Executor<T> {
    async fn execute(&self, fault: &PlannedFault, zero: Instant) {
        tokio::select! {
            () = tokio::time::sleep_until(moment(zero, fault.at)) => {}
            () = self.stop.asked() => return,
        }
        if !self.begin(fault).await {
            return;
        }
        fault::finish(&self.target, fault, self.stop.subscribe()).await;
        self.journal.record(Record::FaultEnded {
            fault: fault.id.clone(),
        });
    }

    /// Asks the guards and breaks the victims; whether they are broken.
    async fn begin(&self, fault: &PlannedFault) -> bool {
        let _alone = self.one_at_a_time.lock().await;
        if let Err(veto) = guard::decide(&self.guards, &self.situation(), fault) {
            self.journal.record(Record::FaultVetoed {
                fault: fault.id.clone(),
                guard: veto.guard.to_owned(),
                reason: veto.reason,
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
