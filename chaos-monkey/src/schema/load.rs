//! The load of a game day: users, their devices and their journeys.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;
use super::patterns::{HEADER_NAME, JSON_POINTER, PATH};

/// An open model of load: journeys arrive whether or not earlier ones have ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Load {
    /// The service that users talk to; their devices know all its instances.
    pub target: String,
    /// How many journeys arrive, as a Poisson process.
    pub rate: Rate,
    /// How the device of a user behaves. It is the same with and without middleware.
    #[serde(default)]
    pub device: Device,
    /// How many requests may be under way at once; reaching it makes the run inconclusive.
    #[serde(default = "Load::default_max_in_flight")]
    #[schemars(range(min = 1, max = 100_000))]
    pub max_in_flight: u32,
    /// Who the users are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<Users>,
    /// Rows that journeys draw from, by name: `${NAME.FIELD}`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub datasets: IndexMap<String, Dataset>,
    /// What users do, by name.
    #[schemars(extend("minProperties" = 1))]
    pub journeys: IndexMap<String, Journey>,
}

impl Load {
    fn default_max_in_flight() -> u32 {
        2_000
    }
}

/// Journeys per second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Rate {
    /// The same rate all the time, per second.
    Constant(#[schemars(range(min = 0.001, max = 100_000.0))] f64),
    /// One rate after the other; the last one stays.
    Steps(#[schemars(length(min = 1))] Vec<RateStep>),
    /// A straight line from one rate to another; the last one stays.
    Ramp {
        /// The rate at the beginning, per second.
        #[schemars(range(min = 0.001, max = 100_000.0))]
        from: f64,
        /// The rate at the end, per second.
        #[schemars(range(min = 0.001, max = 100_000.0))]
        to: f64,
        /// How long the way takes.
        over: Span,
    },
}

/// One rate for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateStep {
    /// How long.
    pub r#for: Span,
    /// Journeys per second.
    #[schemars(range(min = 0.001, max = 100_000.0))]
    pub per_second: f64,
}

/// How the device of a user behaves: it may try again elsewhere, as a real player does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Device {
    /// How long a user waits for the answer to one request, all attempts included.
    pub patience: Span,
    /// How long the device waits for one attempt.
    pub attempt_timeout: Span,
    /// How many further attempts it makes, each on another instance if there is one.
    #[schemars(range(min = 0, max = 2))]
    pub further_attempts: u32,
}

impl Default for Device {
    fn default() -> Self {
        Self {
            patience: Span::from_secs(2),
            attempt_timeout: Span::from_millis(1_200),
            further_attempts: 2,
        }
    }
}

/// Who the users are: the rows of a file of JSON lines, used as `${user.FIELD}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Users {
    /// A file of JSON lines, one object per user. `${run}` is the run's working folder.
    pub file: String,
    /// The exponent of the Zipf distribution that makes some users busier than others.
    #[serde(default = "default_zipf")]
    #[schemars(range(min = 0.0, max = 5.0))]
    pub zipf: f64,
    /// What each user does once before the load begins, such as logging in; what the steps
    /// capture stays with the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub setup: Vec<Step>,
}

/// Rows that journeys draw from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dataset {
    /// A file of JSON lines. `${run}` is the run's working folder.
    pub file: String,
    /// The exponent of the Zipf distribution over the rows, in the order of the file.
    #[serde(default = "default_zipf")]
    #[schemars(range(min = 0.0, max = 5.0))]
    pub zipf: f64,
}

fn default_zipf() -> f64 {
    1.0
}

/// Something that a user does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Journey {
    /// How often it happens, relative to the others.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub weight: f64,
    /// Its requests, one after the other; a failed one ends the journey.
    #[schemars(length(min = 1))]
    pub steps: Vec<Step>,
}

/// One request of a user, and what is kept of its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// Its name in reports.
    #[schemars(length(min = 1))]
    pub name: String,
    /// What is sent.
    pub request: RequestTemplate,
    /// What makes the answer usable.
    #[serde(default)]
    pub expect: Expect,
    /// What is taken from the answer, by the name under which later steps know it.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub capture: IndexMap<String, Capture>,
    /// What a usable answer promises to keep; read back at the end of the game day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledge: Option<Acknowledge>,
}

/// What is sent. Known inside: `${user.FIELD}`, `${DATASET.FIELD}`, captured names, and
/// `${sequence}`, a number that grows with every journey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestTemplate {
    /// The method; anything but GET is a write and carries one `Idempotency-Key`.
    #[serde(default)]
    pub method: Method,
    /// Path and query.
    #[schemars(regex(pattern = PATH))]
    pub path: String,
    /// Headers.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub headers: IndexMap<String, String>,
    /// A JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<serde_json::Value>,
}

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    #[default]
    Get,
    /// Writes.
    Post,
    /// Writes.
    Put,
    /// Writes.
    Patch,
    /// Writes.
    Delete,
}

/// What makes an answer usable.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expect {
    /// The statuses that are fine; from 200 to 299 if the list is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(range(min = 100, max = 599)))]
    pub status: Vec<u16>,
}

/// What is taken from an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Capture {
    /// A JSON pointer into the body, such as `/session/token`.
    Json(#[schemars(regex(pattern = JSON_POINTER))] String),
    /// The name of a header.
    Header(#[schemars(regex(pattern = HEADER_NAME))] String),
}

/// What a usable answer promises to keep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Acknowledge {
    /// The entry of `readBack` that looks after it.
    pub r#as: String,
    /// What it is about, such as `${user.name}/${title.id}`; the last promise per key counts.
    pub key: String,
    /// The number that was promised, such as `${sequence}`; what is read back must not be lower.
    pub value: String,
}
