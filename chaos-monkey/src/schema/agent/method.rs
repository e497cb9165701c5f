//! How many pods are killed, and how.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::Span;

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

/// How a pod is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum KillMethod {
    /// By eviction: it has the grace period that it asks for, and disruption budgets can refuse.
    #[default]
    Evict,
    /// By deletion with this grace period in whole seconds. Disruption budgets have no say in it
    /// but through the guard.
    Delete(Span),
    /// By deletion without any grace, as when its node is lost.
    DeleteNow,
}
