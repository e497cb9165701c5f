//! The verdict itself.

use serde::{Deserialize, Serialize};

/// How a game day ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Everything held.
    Passed,
    /// Something that must hold did not.
    Failed,
    /// An abort condition or a person ended it.
    Aborted,
    /// The evidence does not allow a judgement.
    Inconclusive,
}

impl Outcome {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What a reason is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReasonKind {
    /// An abort condition was met.
    AbortCondition,
    /// Somebody asked to stop early.
    Interrupted,
    /// The journal lacks its beginning, its end or lines.
    IncompleteJournal,
    /// Records were lost.
    LostRecords,
    /// There was not a single request.
    ZeroSamples,
    /// The generator sent too many requests late, held journeys back, or did not account for itself.
    Generator,
    /// Promises were to be read back and were not.
    ReadBackMissing,
    /// The steady state did not hold before anything was broken.
    SteadyStateBefore,
    /// The steady state did not hold.
    SteadyState,
    /// The steady state was not back in time.
    Recovery,
    /// An instance ended and no fault had ended it.
    UnplannedEnd,
    /// An acknowledged promise was not kept.
    ReadBack,
    /// Too few requests to judge a statement, or too little time to see a recovery.
    TooFewSamples,
    /// A fault could not be carried out, or nothing was broken at all.
    NothingBroken,
}

/// One reason for a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// What it is about.
    pub kind: ReasonKind,
    /// The outcome it argues for.
    pub outcome: Outcome,
    /// The statement, fault, instance or promise it is about; may be empty.
    pub subject: String,
    /// The reason for people, one line.
    pub text: String,
}

/// How a game day ended, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// How it ended.
    pub outcome: Outcome,
    /// One sentence with the proof: what was broken, and what users noticed.
    pub proof: String,
    /// Why it did not pass, the decisive reasons first; empty if it passed.
    pub reasons: Vec<Reason>,
}
