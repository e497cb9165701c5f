//! The faults, and the way back from them.

use serde::Serialize;

use crate::journal::{FaultId, InstanceName};

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
