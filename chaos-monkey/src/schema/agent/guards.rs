//! What can forbid a kill.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::Span;

/// What can forbid a kill, apart from the halt switch, leadership, rollouts and the hours, which
/// always can.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AgentGuards {
    /// How many kills there may be in all.
    pub budget: KillBudget,
    /// How many kills there may be in each namespace.
    pub namespace_budget: KillBudget,
    /// How long an owner is left alone after a kill.
    pub cool_down: Span,
    /// At how many kills whose owners are not whole again nothing more is killed.
    #[schemars(range(min = 1, max = 1_000))]
    pub open_kills: u32,
    /// How many pods of an owner must be ready after the kill.
    pub minimum_healthy: MinimumHealthyPods,
    /// How many pods an owner must want.
    #[schemars(range(min = 1, max = 1_000))]
    pub minimum_replicas: u32,
    /// Whether a disruption budget that allows nothing forbids deletions, too. It always forbids
    /// evictions.
    pub honour_disruption_budgets: bool,
    /// How one finds out whether something is broken already. Whatever goes wrong with it forbids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outage: Option<OutageProbe>,
}

impl Default for AgentGuards {
    fn default() -> Self {
        Self {
            budget: KillBudget::default(),
            namespace_budget: KillBudget::default(),
            cool_down: Span::from_secs(3_600),
            open_kills: 1,
            minimum_healthy: MinimumHealthyPods::default(),
            minimum_replicas: 2,
            honour_disruption_budgets: true,
            outage: None,
        }
    }
}

/// How many kills there may be. What was sent counts, and so does what may have been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct KillBudget {
    /// In any 60 minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_hour: Option<u32>,
    /// In any 24 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_day: Option<u32>,
}

/// How many pods of an owner must be ready after a kill. Both must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MinimumHealthyPods {
    /// So many.
    pub count: u32,
    /// This share of those that it wants, rounded up.
    #[schemars(range(min = 0, max = 100))]
    pub percent: u32,
}

impl Default for MinimumHealthyPods {
    fn default() -> Self {
        Self {
            count: 1,
            percent: 0,
        }
    }
}

/// How one finds out whether something is broken already. The commands ask it, too, by what the ledger
/// publishes: whoever may read that can read an address with its password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum OutageProbe {
    /// A URL that answers a GET with a status from 200 to 299 within two seconds as long as all is
    /// well.
    Http(String),
    /// A question to Prometheus.
    Prometheus(PrometheusProbe),
}

/// A question to Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrometheusProbe {
    /// Where it is, such as `http://prometheus:9090`.
    pub url: String,
    /// A query that has no result as long as all is well, such as `ALERTS{severity="page"} == 1`.
    pub query: String,
}
