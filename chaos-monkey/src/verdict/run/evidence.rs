//! How far the journal can be trusted, and what ended the run.

use serde::Serialize;

use crate::journal::LostWhat;
use crate::schema::{Bound, Metric};

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
