//! What must hold before, during and after the faults.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;
use super::patterns::WORD;

/// One measurable statement about what users get.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SteadyState {
    /// Its name in reports.
    #[schemars(regex(pattern = WORD))]
    pub id: String,
    /// What is measured.
    pub metric: Metric,
    /// Only the requests of this journey; of all journeys if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journey: Option<String>,
    /// Judged for each window of this length; for the whole phase at once if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Span>,
    /// With fewer samples than this the statement is inconclusive for a phase, and is skipped
    /// for a window.
    #[serde(default = "SteadyState::default_minimum_samples")]
    #[schemars(range(min = 1))]
    pub minimum_samples: u64,
    /// What is tolerated in each phase; a phase that is left out is not judged.
    pub tolerance: Tolerance,
}

impl SteadyState {
    fn default_minimum_samples() -> u64 {
        1
    }
}

/// What is measured, over user requests.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Metric {
    /// The share of requests that got a usable answer, 0 to 1.
    Yield,
    /// The same, had the device made no further attempt.
    FirstAttemptYield,
    /// How complete the usable answers were on average, 0 to 1.
    Harvest,
    /// The median latency from the intended start, in milliseconds.
    LatencyP50,
    /// The 95th percentile of latency from the intended start, in milliseconds.
    LatencyP95,
    /// The 99th percentile of latency from the intended start, in milliseconds.
    LatencyP99,
}

/// What is tolerated in each phase.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tolerance {
    /// While nothing is broken yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Bound>,
    /// From the first fault to the end of the last one and its recovery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub during: Option<Bound>,
    /// After the last recovery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Bound>,
}

/// A limit for a value. Ratios are from 0 to 1, latencies in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Bound {
    /// The value must not be lower.
    AtLeast(f64),
    /// The value must not be higher.
    AtMost(f64),
}

/// A part of a game day.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// While nothing is broken yet.
    Before,
    /// From the first fault until the last one has ended.
    During,
    /// After the last fault.
    After,
}
