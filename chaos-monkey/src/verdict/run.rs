//! Everything that is derived from a journal. Times are microseconds since the load began.

use serde::Serialize;

use super::{Numbers, Sample};
use crate::journal::{Cause, FaultId, InstanceName, LostWhat, RequestResult, ServiceLayout};
use crate::schema::{Bound, Metric, Phase, SteadyState};

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

/// The requests that were to start within 100 ms.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Slot {
    /// When the slot begins.
    pub from: i64,
    /// Its numbers.
    pub numbers: Numbers,
}

/// How often requests failed for one cause.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CauseCount {
    /// The cause as text: `status 503`, `timeout`, `refused`, `reset`, `malformed`, `unknown`.
    pub cause: String,
    /// How many requests.
    pub requests: u64,
}

/// How often one dependency was replaced for one reason by one stand-in.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DegradationCount {
    /// The dependency.
    pub dependency: String,
    /// Why.
    pub reason: String,
    /// What stood in.
    pub stood_in: String,
    /// In how many answers.
    pub requests: u64,
    /// The mean share of the answer that was replaced.
    pub mean_weight: f64,
}

/// One statement of the steady state.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementRun {
    /// The statement as it was written.
    pub statement: SteadyState,
    /// What it came to in each phase for which it has a tolerance.
    pub phases: Vec<StatementPhase>,
}

/// One statement in one phase.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementPhase {
    /// The phase.
    pub phase: Phase,
    /// What was tolerated.
    pub bound: Bound,
    /// What was measured: over the whole phase, or in the worst window.
    pub value: Option<f64>,
    /// The requests it was measured on, all windows together.
    pub samples: u64,
    /// How many windows were judged and how many of them were out of bounds, if it has windows.
    pub windows: Option<Windows>,
    /// What it came to.
    pub status: StatementStatus,
}

/// Windows of one statement in one phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Windows {
    /// Those with enough samples.
    pub judged: u64,
    /// Those of them that were out of bounds.
    pub broken: u64,
    /// When the worst one began.
    pub worst_from_micros: Option<i64>,
}

/// What a statement came to in a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StatementStatus {
    /// It held.
    Held,
    /// It did not.
    Broken,
    /// There were fewer samples than it asks for.
    TooFewSamples,
    /// The phase was not reached.
    NotReached,
}

/// A planned fault and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultRun {
    /// Its id.
    pub id: FaultId,
    /// `kill`, `pause` or `outage`.
    pub kind: String,
    /// Its victims.
    pub victims: Vec<InstanceName>,
    /// When it was planned.
    pub planned_micros: Option<i64>,
    /// When it began; nothing if it did not.
    pub began_micros: Option<i64>,
    /// When it ended.
    pub ended_micros: Option<i64>,
    /// When its victims were all ready again.
    pub ready_micros: Option<i64>,
    /// Until when a request that overlaps it is laid to it.
    pub reach_micros: Option<i64>,
    /// The guard that vetoed it and why, or why it could not be carried out.
    pub prevented: Option<Prevented>,
    /// Failed requests that overlap it.
    pub requests_failed: u64,
    /// Degraded requests that overlap it.
    pub requests_degraded: u64,
    /// How long after its end the steady state was back, if it closes an episode.
    pub recovered_after_micros: Option<i64>,
    /// The fault that closes its episode, if it is another one.
    pub merged_into: Option<FaultId>,
}

/// Why a planned fault did not happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Prevented {
    /// A guard forbade it.
    Vetoed {
        /// The guard.
        guard: String,
        /// Its reason.
        reason: String,
    },
    /// It could not be carried out.
    Failed {
        /// Why.
        reason: String,
    },
}

/// The way back to the steady state after faults that lie so close that it was not seen in between.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryRun {
    /// The faults of the episode; the last one closes it.
    pub faults: Vec<FaultId>,
    /// When the last of them had ended.
    pub ended_micros: i64,
    /// From when the steady state held for as long as was asked.
    pub recovered_micros: Option<i64>,
    /// From the end to the recovery.
    pub after_micros: Option<i64>,
    /// What it came to.
    pub status: RecoveryStatus,
    /// The statements that did not hold when it was last looked at.
    pub broken: Vec<String>,
}

/// What a recovery came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RecoveryStatus {
    /// In time.
    Recovered,
    /// Later than allowed.
    Late,
    /// Not before the load ended.
    NotRecovered,
    /// The load ended before it could be seen.
    TooShort,
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceRun {
    /// Which.
    pub instance: InstanceName,
    /// How often faults ended it.
    pub kills: u64,
    /// How often faults paused it.
    pub pauses: u64,
    /// How often it was started again.
    pub restarts: u64,
    /// How often it ended by itself.
    pub unplanned_ends: u64,
    /// Microseconds from each start until it was ready, in order.
    pub ready_after_micros: Vec<i64>,
    /// The most resident bytes that were seen.
    pub peak_memory_bytes: Option<u64>,
    /// What it was, when.
    #[serde(skip)]
    pub states: Vec<StateSpan>,
    /// When and how it ended, and by which fault.
    pub ends: Vec<InstanceEnd>,
}

/// A while in which an instance was in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateSpan {
    /// From when.
    pub from: i64,
    /// Until when.
    pub to: i64,
    /// What it was.
    pub state: InstanceState,
}

/// What an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum InstanceState {
    /// Not there.
    Down,
    /// Started and not ready yet.
    Starting,
    /// Ready.
    Up,
    /// Stopped without having ended.
    Paused,
}

/// The end of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceEnd {
    /// When.
    pub at_micros: i64,
    /// How: `signal 9`, `exit 1`.
    pub how: String,
    /// The fault, or nothing if it ended by itself.
    pub fault: Option<FaultId>,
}

/// A circuit breaker changed its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BreakerTransition {
    /// When.
    pub at_micros: i64,
    /// In which instance.
    pub instance: InstanceName,
    /// The dependency it protects from.
    pub breaker: String,
    /// The state it left.
    pub from: String,
    /// The state it entered.
    pub to: String,
    /// Why, where it was told.
    pub reason: String,
}

/// Promises of one kind that were read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadBackRun {
    /// The entry of `readBack`.
    pub name: String,
    /// Whether it was done.
    pub done: bool,
    /// How many promises were checked.
    pub checked: u64,
    /// How many were not kept.
    pub missing_count: u64,
    /// The keys of some of them.
    pub missing: Vec<String>,
}

/// How far the journal can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Whether the first line is there.
    pub has_start: bool,
    /// Whether the last line is there.
    pub has_end: bool,
    /// How many lines stand before the last one.
    pub lines: u64,
    /// How many the last line says there should be.
    pub lines_promised: Option<u64>,
    /// What was lost.
    pub lost: Vec<Lost>,
    /// How well the load generator kept its promises.
    pub generator: Option<Generator>,
}

/// Records that were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lost {
    /// How.
    pub what: LostWhat,
    /// How many.
    pub count: u64,
}

/// How well the load generator kept its promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Generator {
    /// Requests that were due.
    pub due: u64,
    /// Requests that were sent over 50 ms late.
    pub late: u64,
    /// Journeys that were held back since too many requests were under way.
    pub capped: u64,
}

/// What ended a run early.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Stop {
    /// An abort condition was met.
    Condition {
        /// When.
        at_micros: i64,
        /// The condition.
        condition: String,
        /// What was measured.
        value: f64,
        /// Where the condition was written down.
        limit: Option<Limit>,
    },
    /// Somebody asked.
    Interrupted {
        /// When.
        at_micros: i64,
        /// How.
        by: String,
    },
}

/// What an abort condition still tolerated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limit {
    /// What was measured.
    pub metric: Metric,
    /// What was tolerated.
    pub bound: Bound,
}

/// A failed or degraded request.
#[derive(Debug, Clone, PartialEq)]
pub struct Troubled {
    /// Its number in the journal.
    pub id: u64,
    /// The journey.
    pub journey: String,
    /// The step.
    pub step: String,
    /// When it should have been sent.
    pub intended: i64,
    /// When it ended.
    pub ended: i64,
    /// How it ended.
    pub result: RequestResult,
    /// How many attempts the device made.
    pub attempts: usize,
    /// Why it failed.
    pub cause: Option<Cause>,
    /// What was replaced.
    pub degradations: Vec<Replaced>,
    /// The faults that overlap it; empty if it is unexplained.
    pub faults: Vec<FaultId>,
}

/// A part of an answer that was replaced.
#[derive(Debug, Clone, PartialEq)]
pub struct Replaced {
    /// The dependency.
    pub dependency: String,
    /// Why.
    pub reason: String,
    /// What stood in.
    pub stood_in: String,
    /// The share of the answer.
    pub weight: f64,
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
