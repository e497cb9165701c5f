//! The life of the instances, and what they told of themselves.

use serde::Serialize;

use crate::journal::{FaultId, InstanceName};

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
