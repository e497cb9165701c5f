//! Whether game days are run that somebody has applied to the cluster.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether an agent runs `GameDay` resources of the namespaces in which it may kill, one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GameDayChoice {
    /// None.
    #[default]
    None,
    /// Those, too. While one runs nothing else is killed.
    Also,
    /// Nothing else: nothing is killed by the schedule.
    Only,
}
