//! Who is told of kills over HTTP.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who is told over HTTP. Nothing waits for it: what cannot be delivered within five tries is
/// counted and left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    /// Its name in logs and metrics.
    #[schemars(regex(pattern = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"))]
    pub name: String,
    /// In which form.
    #[serde(default)]
    pub form: WebhookForm,
    /// The file in which its URL stands, as a Secret is mounted. It is read before each delivery,
    /// and its content is never shown.
    #[schemars(length(min = 1))]
    pub url_file: String,
    /// Of what is told.
    #[serde(default = "all_topics")]
    #[schemars(length(min = 1))]
    pub about: Vec<Topic>,
}

fn all_topics() -> Vec<Topic> {
    Topic::ALL.to_vec()
}

/// The form of what is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WebhookForm {
    /// A CloudEvent 1.0 in structured mode.
    #[default]
    CloudEvents,
    /// A message with a `text`, as Slack, Mattermost and others take it.
    Slack,
}

/// Of what is told.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Topic {
    /// A pod was killed.
    Killed,
    /// A disruption budget, or the cluster, has refused a kill.
    Refused,
    /// Nobody knows whether a pod was killed.
    Unknown,
    /// An owner is whole again.
    Whole,
    /// An owner is not whole again within its limit.
    NotWhole,
    /// An annotation of a workload is not understood, so that it is left alone.
    Misread,
    /// The agent has halted everything.
    Halted,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Killed,
        Self::Refused,
        Self::Unknown,
        Self::Whole,
        Self::NotWhole,
        Self::Misread,
        Self::Halted,
    ];

    /// The word in a file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Whole => "whole",
            Self::NotWhole => "notWhole",
            Self::Misread => "misread",
            Self::Halted => "halted",
        }
    }
}
