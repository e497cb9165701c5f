//! `kind: GameDay`: what is done to a system, and what must hold meanwhile.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::patterns::WORD;
use super::{
    API_VERSION, Bound, Capture, Load, Metadata, Metric, RequestTemplate, Span, SteadyState,
    Timeline,
};

/// A game day: load, steady state, faults, abort conditions and a recovery limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GameDay {
    /// Always `chaos.aplomb.dev/v1alpha1`.
    #[schemars(extend("const" = API_VERSION))]
    pub api_version: String,
    /// Always `GameDay`.
    #[schemars(extend("const" = "GameDay"))]
    pub kind: String,
    /// Its name.
    pub metadata: Metadata,
    /// What is done, and what must hold.
    pub spec: GameDaySpec,
}

/// What is done to a system, and what must hold meanwhile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GameDaySpec {
    /// One line for the head of the report.
    pub title: String,
    /// What the team believes will happen.
    pub hypothesis: String,
    /// The name of the `System`, which stands in the same file or in another one that is given.
    pub system: String,
    /// What users do.
    pub load: Load,
    /// What must hold before, during and after.
    #[schemars(length(min = 1))]
    pub steady_state: Vec<SteadyState>,
    /// What is broken, and when.
    pub timeline: Timeline,
    /// What vetoes a fault.
    #[serde(default)]
    pub guards: Guards,
    /// What ends the game day at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub abort: Vec<AbortCondition>,
    /// How fast the steady state must be back after each fault.
    #[serde(default)]
    pub recovery: Recovery,
    /// How promises that steps have acknowledged are read back at the end, by name.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub read_back: IndexMap<String, ReadBack>,
}

/// What vetoes a fault at the moment of its execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Guards {
    /// Each service keeps at least this many ready instances.
    #[schemars(range(min = 0, max = 100))]
    pub minimum_healthy: u32,
    /// At most this many instances of the whole system are down or paused at once.
    #[schemars(range(min = 0, max = 1_000))]
    pub maximum_down: u32,
    /// While this file exists, nothing is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halt_file: Option<String>,
    /// Services that are never broken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_services: Vec<String>,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            minimum_healthy: 1,
            maximum_down: 2,
            halt_file: None,
            excluded_services: Vec::new(),
        }
    }
}

/// What ends the game day at once, all faults with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AbortCondition {
    /// Its name in reports.
    #[schemars(regex(pattern = WORD))]
    pub id: String,
    /// What is measured.
    pub metric: Metric,
    /// Only the requests of this journey; of all journeys if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journey: Option<String>,
    /// The last stretch of time that is looked at.
    pub window: Span,
    /// With fewer samples in the window nothing is concluded.
    #[serde(default = "AbortCondition::default_minimum_samples")]
    #[schemars(range(min = 1))]
    pub minimum_samples: u64,
    /// What is still tolerated; beyond it the game day ends.
    pub unless: Bound,
}

impl AbortCondition {
    fn default_minimum_samples() -> u64 {
        50
    }
}

/// How fast the steady state must be back after each fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Recovery {
    /// From the end of a fault until the steady state holds again.
    pub within: Span,
    /// How long it must hold to count.
    pub hold: Span,
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            within: Span::from_secs(10),
            hold: Span::from_secs(2),
        }
    }
}

/// How an acknowledged promise is read back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadBack {
    /// What is sent; it knows what the acknowledged step knew.
    pub request: RequestTemplate,
    /// Where the kept number stands in the answer.
    pub value: Capture,
    /// How long promises may take to arrive after the load has ended.
    #[serde(default = "ReadBack::default_within")]
    pub within: Span,
}

impl ReadBack {
    fn default_within() -> Span {
        Span::from_secs(10)
    }
}
