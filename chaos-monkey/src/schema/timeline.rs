//! What is broken, and when.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;
use super::patterns::WORD;

/// What is broken, and when. All times count from the moment the load begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Timeline {
    /// How long the load lasts.
    pub duration: Span,
    /// The faults; the first one ends the phase `before`.
    pub faults: Vec<TimelineFault>,
}

/// One entry of the time line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimelineFault {
    /// Its name in reports.
    #[schemars(regex(pattern = WORD))]
    pub id: String,
    /// When it begins.
    pub at: Span,
    /// What is done.
    #[serde(rename = "do")]
    pub fault: FaultKind,
}

/// One way to break a system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum FaultKind {
    /// Kills instances of one service once; they come back after their restart delay.
    Kill(Kill),
    /// Stops instances without ending them (SIGSTOP), and lets them go on (SIGCONT).
    Pause(Pause),
    /// Kills all instances of a service and keeps them away for a while.
    Outage(Outage),
    /// Kills random instances of random services again and again.
    Monkey(Monkey),
}

/// Kills instances of one service once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kill {
    /// The service.
    pub service: String,
    /// How many of its instances.
    #[serde(default)]
    pub amount: Amount,
}

/// Stops instances without ending them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pause {
    /// The service.
    pub service: String,
    /// How many of its instances.
    #[serde(default)]
    pub amount: Amount,
    /// For how long.
    pub r#for: Span,
    /// Whether all instances of the service may be stopped at once.
    #[serde(default)]
    pub allow_outage: bool,
}

/// Kills all instances of a service and keeps them away for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Outage {
    /// The service.
    pub service: String,
    /// For how long.
    pub r#for: Span,
    /// Says that this is meant: waives the guards `minimumHealthy` and `maximumDown`, no others.
    #[serde(default)]
    pub allow_outage: bool,
}

/// Kills random instances of random services again and again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Monkey {
    /// The services it draws from. Each is drawn once, in random order, before any is drawn again.
    #[serde(default)]
    pub services: ServiceChoice,
    /// How many instances of the drawn service.
    #[serde(default)]
    pub amount: Amount,
    /// The time between kills: exactly this, or this on average if `jitter` is set.
    pub every: Span,
    /// Draws each time between kills from an exponential distribution with the mean `every`.
    #[serde(default)]
    pub jitter: bool,
    /// For how long.
    pub r#for: Span,
}

/// The services a monkey draws from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum ServiceChoice {
    /// All services of the system.
    #[default]
    All,
    /// Only these.
    Only(#[schemars(length(min = 1))] Vec<String>),
}

/// How many instances. A percentage is rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Amount {
    /// One.
    #[default]
    One,
    /// All.
    All,
    /// This many, at most all.
    Fixed(#[schemars(range(min = 1, max = 100))] u32),
    /// This share of them, rounded up.
    Percent(#[schemars(range(min = 1, max = 100))] u32),
}
