//! `kind: Agent`: which pods of a cluster may be killed, and when.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::patterns::{CLOCK_TIME, DAY};
use super::{API_VERSION, Metadata, Span};

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
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentSpec {
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
    /// How many pods of one owner at once.
    #[serde(default)]
    pub amount: VictimAmount,
    /// When.
    #[serde(default)]
    pub schedule: Schedule,
}

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
    /// Only those whose annotations this selector selects.
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

/// How many of an owner's pods that may be killed. A percentage is rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum VictimAmount {
    /// One.
    #[default]
    One,
    /// All.
    All,
    /// This many, at most all.
    Fixed(#[schemars(range(min = 1, max = 1_000))] u32),
    /// This share of them, rounded up.
    Percent(#[schemars(range(min = 1, max = 100))] u32),
    /// A share that is drawn each time, from 1 to this one, rounded up.
    UpToPercent(#[schemars(range(min = 1, max = 100))] u32),
}

/// When pods are killed: each owner has its own chance on each workday.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Schedule {
    /// The time zone of everything here, by its IANA name such as `Europe/Berlin`.
    pub time_zone: String,
    /// The workdays.
    #[schemars(length(min = 1))]
    pub weekdays: Vec<Weekday>,
    /// The hours of a workday.
    pub hours: Hours,
    /// Days without a kill: `2026-12-31` once, `12-25` every year.
    #[schemars(inner(regex(pattern = DAY)))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leave_out: Vec<String>,
    /// How many workdays lie between two kills of one owner, on average.
    #[schemars(range(min = 1, max = 10_000))]
    pub mean_time: u32,
    /// How many workdays lie between two kills of one owner, at least.
    #[schemars(range(min = 0, max = 10_000))]
    pub minimum_time: u32,
}

impl Default for Schedule {
    /// Netflix's office: workdays from nine to three, each owner once in five of them, and not
    /// before the same time of the next workday.
    fn default() -> Self {
        Self {
            time_zone: "UTC".to_owned(),
            weekdays: Weekday::ALL[..5].to_vec(),
            hours: Hours::default(),
            leave_out: Vec::new(),
            mean_time: 5,
            minimum_time: 1,
        }
    }
}

/// A part of a day, in the time zone of the schedule. A time that a change of the clocks leaves
/// out is never drawn, and one that comes twice can be drawn twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hours {
    /// The first minute, as `09:00`.
    #[schemars(regex(pattern = CLOCK_TIME))]
    pub from: String,
    /// The minute after the last one, as `15:00`; `24:00` is midnight.
    #[schemars(regex(pattern = CLOCK_TIME))]
    pub to: String,
}

impl Default for Hours {
    fn default() -> Self {
        Self {
            from: "09:00".to_owned(),
            to: "15:00".to_owned(),
        }
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Weekday {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

impl Weekday {
    /// All of them, from Monday on.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];
}
