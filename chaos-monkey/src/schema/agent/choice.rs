//! Which pods may be killed.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::Span;

/// Whether pods must have been offered, by `chaos.aplomb.dev/enabled: "true"` as a label or an
/// annotation of the pod, its owner or its namespace. With `"false"` in one of these places a pod
/// is never killed, whatever stands here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OptIn {
    /// Only what was offered.
    #[default]
    Required,
    /// Everything that was not withheld: nobody has to be asked.
    None,
}

/// Which namespaces.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NamespaceChoice {
    /// Only these; all if it is empty. `kube-system` must be named here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// None of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
    /// Only those whose labels this selector selects, as `kubectl get --selector` reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<String>,
}

/// Which pods.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PodChoice {
    /// Only those whose labels this selector selects, as `kubectl get --selector` reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<String>,
    /// Only those whose annotations this selector selects. A value that no label could have stands
    /// between quotes: `team="A and B"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<String>,
    /// Only those in whose name this regular expression is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<String>,
    /// None in whose name this regular expression is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except_names: Option<String>,
    /// Only those that are at least so old.
    pub minimum_age: Span,
}

/// Which controllers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OwnerChoice {
    /// Only these kinds.
    #[schemars(length(min = 1))]
    pub kinds: Vec<OwnerKind>,
}

impl Default for OwnerChoice {
    fn default() -> Self {
        Self {
            kinds: OwnerKind::ALL.to_vec(),
        }
    }
}

/// A kind of controller that brings a killed pod back.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum OwnerKind {
    /// A Deployment, through its ReplicaSets.
    Deployment,
    /// A StatefulSet.
    StatefulSet,
    /// A DaemonSet.
    DaemonSet,
    /// A ReplicaSet without a Deployment.
    ReplicaSet,
    /// A ReplicationController.
    ReplicationController,
}

impl OwnerKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Deployment,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::ReplicaSet,
        Self::ReplicationController,
    ];

    /// The word in a file and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::ReplicaSet => "ReplicaSet",
            Self::ReplicationController => "ReplicationController",
        }
    }

    /// The kind of this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The name of a controller.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnerName {
    /// Its namespace.
    pub namespace: String,
    /// Its kind.
    pub kind: OwnerKind,
    /// Its name.
    pub name: String,
}

impl fmt::Display for OwnerName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            namespace,
            kind,
            name,
        } = self;
        write!(formatter, "{namespace}/{}/{name}", kind.as_str())
    }
}
