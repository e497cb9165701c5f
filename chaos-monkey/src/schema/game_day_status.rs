//! What an agent says of a `GameDay` in a cluster: how far it is, and how it ended.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an agent says of a game day. Another version may have written it: what is not known is
/// left out.
///
/// Written as a whole: what it does not have is written as null, which takes away what was there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GameDayStatus {
    /// How far it is.
    pub phase: Option<GameDayPhase>,
    /// Why it waits, was refused, or did not pass: the decisive reason, for people.
    pub reason: Option<String>,
    /// All reasons, the decisive ones first.
    pub reasons: Option<Vec<String>>,
    /// The generation of the resource that this is about.
    pub observed_generation: Option<i64>,
    /// The agent that runs it or has run it.
    pub agent: Option<String>,
    /// Which copy of that agent.
    pub copy: Option<String>,
    /// The seed of everything random.
    pub seed: Option<u64>,
    /// When it began.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub began: Option<Timestamp>,
    /// When it ended.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub ended: Option<Timestamp>,
    /// How it ended.
    pub verdict: Option<GameDayVerdict>,
    /// The share of user requests that got a usable answer, such as `99.98 %`.
    #[serde(rename = "yield")]
    pub yield_shown: Option<String>,
    /// How many requests users have sent.
    pub requests: Option<u64>,
    /// How many pods were killed, or may have been.
    pub kill_count: Option<u64>,
    /// The names of their `Kill` records in the namespace of the agent, the first hundred.
    pub kills: Option<Vec<String>>,
}

/// How far a game day is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum GameDayPhase {
    /// It waits for its turn, or for its system.
    Pending,
    /// Users are served, and something is broken or will be.
    Running,
    /// It has a verdict.
    Finished,
    /// It was never begun, and never will be.
    Refused,
}

/// How a game day ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GameDayVerdict {
    /// `passed`, `failed`, `aborted` or `inconclusive`.
    pub outcome: String,
    /// One sentence with the proof: what was broken, and what users noticed.
    pub proof: Option<String>,
}

impl GameDayPhase {
    /// Whether nothing will happen any more.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Refused)
    }
}
