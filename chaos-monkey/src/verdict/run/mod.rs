//! Everything that is derived from a journal. Times are microseconds since the load began.

mod evidence;
mod faults;
mod instances;
mod requests;
mod statements;

pub use evidence::{Evidence, Generator, Limit, Lost, ReadBackRun, Stop};
pub use faults::{FaultRun, Prevented, RecoveryRun, RecoveryStatus};
pub use instances::{BreakerTransition, InstanceEnd, InstanceRun, InstanceState, StateSpan};
pub use requests::{CauseCount, DegradationCount, Replaced, Slot, Troubled};
pub use statements::{StatementPhase, StatementRun, StatementStatus, Windows};

use serde::Serialize;

use super::{Numbers, Sample};
use crate::journal::ServiceLayout;
use crate::schema::{Metric, Phase};

/// Everything that is derived from a journal. Every view shows this and nothing else.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// What was run.
    pub about: About,
    /// When the load ended, or when the journal did if that was earlier.
    pub load_ended_micros: i64,
    /// The numbers of all requests.
    pub total: Numbers,
    /// The numbers of each phase that was reached.
    pub phases: Vec<PhaseRun>,
    /// The numbers of each journey, in the order of the game day.
    pub journeys: Vec<JourneyRun>,
    /// Failed requests by the cause of the last attempt, most frequent first.
    pub failed_by_cause: Vec<CauseCount>,
    /// What was replaced, why and by what, most frequent first.
    pub degradations: Vec<DegradationCount>,
    /// Failed requests that no fault overlaps.
    pub unexplained_failed: u64,
    /// Degraded requests that no fault overlaps.
    pub unexplained_degraded: u64,
    /// Each statement in each phase.
    pub steady_state: Vec<StatementRun>,
    /// The planned faults and what became of them, in the order of the plan.
    pub faults: Vec<FaultRun>,
    /// The way back to the steady state after each episode of faults.
    pub recoveries: Vec<RecoveryRun>,
    /// Each instance, in the order of the system.
    pub instances: Vec<InstanceRun>,
    /// Transitions of circuit breakers, as the services told them.
    pub breakers: Vec<BreakerTransition>,
    /// The promises that were read back.
    pub read_back: Vec<ReadBackRun>,
    /// How far the journal can be trusted.
    pub evidence: Evidence,
    /// What ended the run early.
    pub stops: Vec<Stop>,
    /// All requests per slot of 100 ms of their intended start.
    #[serde(skip)]
    pub slots: Vec<Slot>,
    /// Every failed or degraded request, in the order in which they ended.
    #[serde(skip)]
    pub troubled: Vec<Troubled>,
}

impl Run {
    /// The faults that were carried out, in the order in which they began.
    pub fn executed(&self) -> Vec<&FaultRun> {
        let mut executed: Vec<_> = self
            .faults
            .iter()
            .filter(|fault| fault.began_micros.is_some())
            .collect();
        executed.sort_by(|left, right| {
            (left.began_micros, &left.id).cmp(&(right.began_micros, &right.id))
        });
        executed
    }

    /// The numbers of a phase, if it was reached.
    pub fn phase(&self, phase: Phase) -> Option<&PhaseRun> {
        self.phases.iter().find(|run| run.phase == phase)
    }

    /// A metric over the whole run.
    pub fn sample(&self, metric: Metric) -> Sample {
        Sample::of(&self.total, metric)
    }

    /// How often faults ended instances.
    pub fn kills(&self) -> u64 {
        self.instances.iter().map(|instance| instance.kills).sum()
    }

    /// How often faults paused instances.
    pub fn pauses(&self) -> u64 {
        self.instances.iter().map(|instance| instance.pauses).sum()
    }
}

/// What was run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// The name of the game day.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its hypothesis.
    pub hypothesis: String,
    /// What was different about the system, such as `bare`.
    pub variant: Option<String>,
    /// Whether the faults were left out: the control run.
    pub no_faults: bool,
    /// The seed of everything random.
    pub seed: u64,
    /// The version of the program that wrote the journal.
    pub program: String,
    /// The wall clock at the beginning, RFC 3339 in UTC.
    pub started: String,
    /// Logical processors of the machine.
    pub cores: u32,
    /// The services.
    pub services: Vec<ServiceLayout>,
    /// How long the load was to last, in microseconds.
    pub duration_micros: i64,
    /// How fast the steady state must be back, in microseconds.
    pub recovery_within_micros: i64,
    /// How long it must hold to count, in microseconds.
    pub recovery_hold_micros: i64,
}

/// One phase.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PhaseRun {
    /// Which.
    pub phase: Phase,
    /// When it began.
    pub from_micros: i64,
    /// When it ended.
    pub to_micros: i64,
    /// Its numbers.
    pub numbers: Numbers,
}

/// One journey.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JourneyRun {
    /// Its name.
    pub name: String,
    /// Its numbers.
    pub numbers: Numbers,
    /// Its requests per slot of 100 ms of their intended start.
    #[serde(skip)]
    pub slots: Vec<Slot>,
}
