//! `kind: Agent`: which pods of a cluster may be killed, and when.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod choice;
mod game_days;
mod guards;
mod method;
mod schedule;
mod webhook;

use super::{API_VERSION, Metadata, Span};

pub use choice::{NamespaceChoice, OptIn, OwnerChoice, OwnerKind, OwnerName, PodChoice};
pub use game_days::GameDayChoice;
pub use guards::{AgentGuards, KillBudget, MinimumHealthyPods, OutageProbe, PrometheusProbe};
pub use method::{KillMethod, VictimAmount};
pub use schedule::{Every, Hours, PerOwner, PerPod, Rhythm, Schedule, Weekday};
pub use webhook::{Topic, Webhook, WebhookForm};

/// The settings of an agent in Kubernetes: which pods may be killed, how many at once, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Agent {
    /// Always `chaos.aplomb.dev/v1alpha1`.
    #[schemars(extend("const" = API_VERSION))]
    pub api_version: String,
    /// Always `Agent`.
    #[schemars(extend("const" = "Agent"))]
    pub kind: String,
    /// Its name.
    pub metadata: Metadata,
    /// Which pods, how many, and when.
    pub spec: AgentSpec,
}

/// Which pods may be killed, how many at once, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentSpec {
    /// Whether anything is killed at all.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whether kills are only told and nothing is sent.
    #[serde(default = "yes")]
    pub dry_run: bool,
    /// Seed of everything random; drawn once and kept in the ledger if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Whether pods must have been offered.
    #[serde(default)]
    pub opt_in: OptIn,
    /// Which namespaces.
    #[serde(default)]
    pub namespaces: NamespaceChoice,
    /// Which pods.
    #[serde(default)]
    pub pods: PodChoice,
    /// Which controllers.
    #[serde(default)]
    pub owners: OwnerChoice,
    /// How many pods of one owner at once; with the rhythm `every` it is `one`.
    #[serde(default)]
    pub amount: VictimAmount,
    /// How a pod is killed.
    #[serde(default)]
    pub method: KillMethod,
    /// When.
    #[serde(default)]
    pub schedule: Schedule,
    /// What can forbid a kill.
    #[serde(default)]
    pub guards: AgentGuards,
    /// How long an owner may take until it is whole again.
    #[serde(default)]
    pub recovery: KillRecovery,
    /// Whether `GameDay` resources are run.
    #[serde(default)]
    pub game_days: GameDayChoice,
    /// Who is told of kills over HTTP, beside the Events of Kubernetes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<Webhook>,
}

const fn yes() -> bool {
    true
}

impl Default for AgentSpec {
    fn default() -> Self {
        Self {
            enabled: true,
            dry_run: true,
            seed: None,
            opt_in: OptIn::default(),
            namespaces: NamespaceChoice::default(),
            pods: PodChoice::default(),
            owners: OwnerChoice::default(),
            amount: VictimAmount::default(),
            method: KillMethod::default(),
            schedule: Schedule::default(),
            guards: AgentGuards::default(),
            recovery: KillRecovery::default(),
            game_days: GameDayChoice::default(),
            webhooks: Vec::new(),
        }
    }
}

/// How long an owner may take until it is whole again: the victim is gone and as many pods are
/// ready as are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct KillRecovery {
    /// After this an Event and the webhooks tell of it.
    pub limit: Span,
    /// Whether everything is halted then, too.
    pub halt: bool,
}

impl Default for KillRecovery {
    fn default() -> Self {
        Self {
            limit: Span::from_secs(300),
            halt: false,
        }
    }
}
