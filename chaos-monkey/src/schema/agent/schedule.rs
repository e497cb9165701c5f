//! When pods may be killed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::Span;
use crate::schema::patterns::{CLOCK_TIME, DAY};

/// When pods are killed.
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
    /// How often.
    pub rhythm: Rhythm,
}

impl Default for Schedule {
    /// Workdays from nine to three, while people are there.
    fn default() -> Self {
        Self {
            time_zone: "UTC".to_owned(),
            weekdays: Weekday::ALL[..5].to_vec(),
            hours: Hours::default(),
            leave_out: Vec::new(),
            rhythm: Rhythm::default(),
        }
    }
}

/// How often pods are killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Rhythm {
    /// Each owner has its own chance on each workday, however many there are.
    PerOwner(PerOwner),
    /// At regular times, some owners out of all.
    Every(Every),
    /// Each pod has its own chance in each minute, however many there are.
    PerPod(PerPod),
}

impl Default for Rhythm {
    fn default() -> Self {
        Self::PerOwner(PerOwner::default())
    }
}

/// Each owner has its own chance on each workday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PerOwner {
    /// How many workdays lie between two kills of one owner, on average.
    #[schemars(range(min = 1, max = 10_000))]
    pub mean_time: u32,
    /// How many workdays lie between two kills of one owner, at least.
    #[schemars(range(min = 0, max = 1_000))]
    pub minimum_time: u32,
}

impl Default for PerOwner {
    /// Once in five workdays, and not before the same time of the next one.
    fn default() -> Self {
        Self {
            mean_time: 5,
            minimum_time: 1,
        }
    }
}

/// At regular times, counted from midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Every {
    /// How much time lies between two of them, in whole seconds up to a day.
    pub interval: Span,
    /// By how much each is late, at most; drawn anew each time.
    #[serde(default)]
    pub jitter: Span,
    /// From how many owners something is killed each time.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1_000))]
    pub owners: u32,
}

const fn one() -> u32 {
    1
}

/// Each pod has its own chance in each minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PerPod {
    /// How much time within the hours of the schedule a pod lives through until it is killed, on
    /// average. At least a minute.
    pub mean_time: Span,
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
