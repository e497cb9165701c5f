//! One line of the journal.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::schema::{GameDay, Phase};

/// The version of the journal's format, in its first line.
pub const JOURNAL_VERSION: u32 = 1;

/// One line: when, in microseconds since the load began (negative before), and what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Microseconds since the load began; negative while the system starts.
    pub at: i64,
    /// What happened.
    #[serde(flatten)]
    pub record: Record,
}

/// The id of one executed or vetoed fault: the entry of the time line and a number, as in
/// `single-kills-3`.
pub type FaultId = String;

/// One instance: `service/replica`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceName {
    /// The service.
    pub service: String,
    /// The replica, counted from 0.
    pub replica: u32,
}

impl std::fmt::Display for InstanceName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.service, self.replica)
    }
}

/// One service of the system as it was started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceLayout {
    /// Its name.
    pub name: String,
    /// How many instances it has.
    pub replicas: u32,
}

/// A fault as it was planned, before anything was broken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedFault {
    /// Its id.
    pub id: FaultId,
    /// When, in microseconds since the load began.
    pub at: i64,
    /// `kill`, `pause` or `outage`.
    pub kind: String,
    /// Its victims.
    pub victims: Vec<InstanceName>,
    /// How long it lasts, in microseconds; 0 for a kill.
    pub lasts: i64,
    /// Whether the guards `minimumHealthy` and `maximumDown` are waived.
    pub allow_outage: bool,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Record {
    /// The first line.
    Start {
        /// The version of the format.
        version: u32,
        /// The version of the program that wrote it.
        program: String,
        /// The game day as it was run.
        game_day: Box<GameDay>,
        /// The services of the system.
        services: Vec<ServiceLayout>,
        /// The seed of everything random.
        seed: u64,
        /// Whether the faults were left out: the control run.
        no_faults: bool,
        /// What was different about the system, such as `bare`, for the head of the report.
        variant: Option<String>,
        /// The wall clock at the beginning, RFC 3339 in UTC.
        started: String,
        /// Logical processors of the machine.
        cores: u32,
        /// What is going to be broken.
        plan: Vec<PlannedFault>,
    },
    /// The load began or a phase changed.
    Phase {
        /// The phase that begins.
        phase: Phase,
    },
    /// An instance was started.
    InstanceStarted {
        /// Which.
        instance: InstanceName,
        /// Its process id; 0 for a pod.
        pid: u32,
        /// Its pod, if it is one.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pod: Option<String>,
    },
    /// An instance is ready.
    InstanceReady {
        /// Which.
        instance: InstanceName,
        /// Microseconds from its start until it was ready.
        after: i64,
    },
    /// An instance has ended.
    InstanceDown {
        /// Which.
        instance: InstanceName,
        /// Its process id; 0 for a pod.
        pid: u32,
        /// How it ended: `signal 9`, `exit 1`, `pod web-5d8f-x2x was evicted`.
        how: String,
        /// The fault that ended it, or nothing if it ended by itself: the verdict fails.
        fault: Option<FaultId>,
    },
    /// An instance was stopped as planned, after the load.
    InstanceStopped {
        /// Which.
        instance: InstanceName,
        /// Its process id.
        pid: u32,
        /// How it ended: `exit 0`, or `signal 9` if it did not go in time.
        how: String,
    },
    /// An instance was halted without ending it.
    InstancePaused {
        /// Which.
        instance: InstanceName,
        /// The fault.
        fault: FaultId,
    },
    /// A halted instance goes on.
    InstanceResumed {
        /// Which.
        instance: InstanceName,
        /// The fault.
        fault: FaultId,
    },
    /// Memory of an instance.
    InstanceMemory {
        /// Which.
        instance: InstanceName,
        /// Resident bytes.
        resident: u64,
    },
    /// A guard forbade a fault.
    FaultVetoed {
        /// The fault.
        fault: FaultId,
        /// The guard.
        guard: String,
        /// Its reason, for people.
        reason: String,
    },
    /// A fault began.
    FaultBegan {
        /// The fault.
        fault: FaultId,
        /// `kill`, `pause` or `outage`.
        kind: String,
        /// Its victims.
        victims: Vec<InstanceName>,
    },
    /// A fault ended: the last of its victims may live again.
    FaultEnded {
        /// The fault.
        fault: FaultId,
    },
    /// A fault could not be carried out.
    FaultFailed {
        /// The fault.
        fault: FaultId,
        /// Why.
        reason: String,
    },
    /// A user request has ended.
    Request(Box<RequestRecord>),
    /// What a service told of itself, such as a breaker's transition.
    ServiceEvent {
        /// Which instance.
        instance: InstanceName,
        /// Its words.
        event: Value,
    },
    /// An abort condition was met.
    Abort {
        /// The condition.
        condition: String,
        /// What was measured.
        value: f64,
    },
    /// Somebody asked to stop early.
    Interrupted {
        /// How.
        by: String,
    },
    /// Acknowledged promises were read back.
    ReadBack {
        /// The entry of `readBack`.
        name: String,
        /// How many promises were checked.
        checked: u64,
        /// The keys that are missing or older than promised, at most 100.
        missing: Vec<String>,
        /// How many are missing in all.
        missing_count: u64,
    },
    /// How well the load generator kept its promises.
    Generator {
        /// Requests that were due.
        due: u64,
        /// Requests that were sent over 50 ms late.
        late: u64,
        /// Journeys that were not begun since too many requests were under way.
        capped: u64,
    },
    /// Records or evidence were lost: the run is inconclusive.
    Lost {
        /// What.
        what: LostWhat,
        /// How many.
        count: u64,
    },
    /// The last line; a journal without it is inconclusive.
    End {
        /// How many lines stand before it.
        lines: u64,
    },
}

/// What was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LostWhat {
    /// The queue to the journal was full.
    QueueFull,
    /// The disk refused them.
    WriteFailed,
}

/// How a user request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RequestResult {
    /// A usable and complete answer.
    Full,
    /// A usable answer of which a part was replaced.
    Degraded,
    /// No usable answer.
    Failed,
}

/// Why a request or an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    /// A status that was not expected.
    Status(u16),
    /// No answer in time.
    Timeout,
    /// Nobody listened.
    Refused,
    /// The connection broke.
    Reset,
    /// An answer that could not be understood, or lacked what was to be captured.
    Malformed,
}

/// One attempt of a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// The replica of the target service.
    pub replica: u32,
    /// Why it failed, or nothing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<Cause>,
}

/// A user request that has ended. The time of its entry is when it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestRecord {
    /// A number that is unique in the journal.
    pub id: u64,
    /// The journey.
    pub journey: String,
    /// The step.
    pub step: String,
    /// When it should have been sent, microseconds since the load began.
    pub intended: i64,
    /// When it was sent.
    pub sent: i64,
    /// How it ended.
    pub result: RequestResult,
    /// The attempts that were made.
    pub attempts: Vec<Attempt>,
    /// Why it failed, if it did: the cause of the last attempt.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<Cause>,
    /// The answer's degradations as they stood in its header; empty for a full answer.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub degradation: String,
    /// How complete the answer was, 0 to 1; 0 for a failed one.
    pub harvest: f64,
}
