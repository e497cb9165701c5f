//! What an agent leaves in a cluster: a `Kill` for each kill, and one `KillLedger`.
//!
//! Another version may have written it, before an upgrade or before a rollback: what is not known
//! is left out, and settings stay as they were written.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AgentSpec, OwnerName};

/// A kill: written before anything is sent, and completed after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(
    feature = "kubernetes",
    derive(kube::CustomResource),
    kube(
        group = "chaos.aplomb.dev",
        version = "v1alpha1",
        kind = "Kill",
        namespaced,
        status = "KillStatus",
        derive = "PartialEq",
        doc = "A kill: written before anything is sent, and completed after.",
        printcolumn(name = "When", type_ = "date", json_path = ".spec.at"),
        printcolumn(name = "Namespace", type_ = "string", json_path = ".spec.owner.namespace"),
        printcolumn(name = "Kind", type_ = "string", json_path = ".spec.owner.kind"),
        printcolumn(name = "Owner", type_ = "string", json_path = ".spec.owner.name"),
        printcolumn(name = "Pod", type_ = "string", json_path = ".spec.pod"),
        printcolumn(name = "Method", type_ = "string", json_path = ".spec.method"),
        printcolumn(name = "Outcome", type_ = "string", json_path = ".status.outcome"),
        printcolumn(name = "Whole after", type_ = "string", json_path = ".status.wholeAfter"),
        printcolumn(name = "Reason", type_ = "string", json_path = ".status.reason"),
        validation = kube::core::Rule::new("self.spec == oldSelf.spec")
            .message("what is recorded of a kill before it is sent never changes")
    )
)]
#[serde(rename_all = "camelCase")]
pub struct KillSpec {
    /// Which agent, or `by hand`.
    pub agent: String,
    /// When it was recorded.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// After this moment nothing more is sent for it.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub not_after: Timestamp,
    /// Whose pod.
    pub owner: OwnerName,
    /// The pod.
    pub pod: String,
    /// The pod's unique identity: no other pod is killed instead of it.
    pub pod_uid: String,
    /// How: `evict`, `delete` or `deleteNow`.
    pub method: String,
}

/// What became of a kill.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KillStatus {
    /// What became of it; nothing while that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<KillOutcome>,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long its owner took until it was whole again, such as `8s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole_after: Option<String>,
}

/// What became of a kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum KillOutcome {
    /// The pod is gone or about to end.
    Killed,
    /// The cluster refused, and the pod lives.
    Refused,
    /// Nothing was sent, and the pod lives.
    NotSent,
    /// There was no answer, so that it may have been killed: it counts.
    Unknown,
}

impl KillOutcome {
    /// The word in a resource.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Refused => "refused",
            Self::NotSent => "notSent",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it is proven that the pod was not killed.
    pub const fn is_proven_harmless(self) -> bool {
        matches!(self, Self::Refused | Self::NotSent)
    }
}

/// What is kept of kills, for budgets that hold however many agents there are and however often
/// they start anew.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(
    feature = "kubernetes",
    derive(kube::CustomResource),
    kube(
        group = "chaos.aplomb.dev",
        version = "v1alpha1",
        kind = "KillLedger",
        plural = "killledgers",
        namespaced,
        derive = "PartialEq",
        doc = "What is kept of kills, for budgets that hold however many agents there are.",
        printcolumn(name = "Last kill", type_ = "date", json_path = ".spec.kills[-1:].at"),
        printcolumn(name = "Last owner", type_ = "string", json_path = ".spec.kills[-1:].owner.name"),
        printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
        validation = kube::core::Rule::new(
            "!has(self.spec.kills) || self.spec.kills.all(kill, kill.notAfter >= kill.at)"
        )
        .message("a kill ends after it has begun")
    )
)]
#[serde(rename_all = "camelCase")]
pub struct KillLedgerSpec {
    /// What each agent goes by.
    #[serde(default)]
    pub agents: BTreeMap<String, PublishedSettings>,
    /// The kills that still count for some guard, in the order in which they were reserved.
    #[serde(default)]
    // Far more than a ledger has room for, so that the cluster knows what a rule costs.
    #[schemars(
        length(max = 10_000),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["kill"])
    )]
    pub kills: Vec<LedgerEntry>,
}

/// What an agent goes by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublishedSettings {
    /// The seed of everything random.
    pub seed: u64,
    /// Its settings, with its flags applied, in the words of its version.
    #[schemars(schema_with = "kept_as_it_is")]
    pub settings: serde_json::Value,
}

impl PublishedSettings {
    /// What an agent of this version goes by.
    ///
    /// # Errors
    ///
    /// Settings that cannot be written.
    pub fn of(seed: u64, settings: &AgentSpec) -> serde_json::Result<Self> {
        let settings = serde_json::to_value(settings)?;
        Ok(Self { seed, settings })
    }

    /// The settings in the words of this version.
    ///
    /// # Errors
    ///
    /// Those of another version that this one does not understand.
    pub fn spec(&self) -> serde_json::Result<AgentSpec> {
        AgentSpec::deserialize(&self.settings)
    }
}

/// An object whose keys the API server keeps without knowing them. Whatever else it would be told
/// of them, it would drop the others, and defaults would stand in for them.
fn kept_as_it_is(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true,
    })
}

/// A kill in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    /// The name of its `Kill`.
    pub kill: String,
    /// Which agent, or `by hand`: it follows the kill and tells of it.
    #[serde(default)]
    pub agent: String,
    /// The occasion: kills out of one owner at one time belong together.
    pub occasion: String,
    /// Whose pod.
    pub owner: OwnerName,
    /// The pod.
    pub pod: String,
    /// Its unique identity.
    pub pod_uid: String,
    /// When it was reserved.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// After this moment nothing more is sent for it.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub not_after: Timestamp,
    /// What became of it; nothing while that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<KillOutcome>,
    /// Whether the owner is whole again.
    #[serde(default)]
    pub is_whole: bool,
}
