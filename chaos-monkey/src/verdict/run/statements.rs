//! The steady state.

use serde::Serialize;

use crate::schema::{Bound, Phase, SteadyState};

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
