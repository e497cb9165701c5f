//! The requests, counted and one by one.

use serde::Serialize;

use crate::journal::{Cause, FaultId, RequestResult};
use crate::verdict::Numbers;

/// The requests that were to start within 100 ms.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Slot {
    /// When the slot begins.
    pub from: i64,
    /// Its numbers.
    pub numbers: Numbers,
}

/// How often requests failed for one cause.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CauseCount {
    /// The cause as text: `status 503`, `timeout`, `refused`, `reset`, `malformed`, `unknown`.
    pub cause: String,
    /// How many requests.
    pub requests: u64,
}

/// How often one dependency was replaced for one reason by one stand-in.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DegradationCount {
    /// The dependency.
    pub dependency: String,
    /// Why.
    pub reason: String,
    /// What stood in.
    pub stood_in: String,
    /// In how many answers.
    pub requests: u64,
    /// The mean share of the answer that was replaced.
    pub mean_weight: f64,
}

/// A failed or degraded request.
#[derive(Debug, Clone, PartialEq)]
pub struct Troubled {
    /// Its number in the journal.
    pub id: u64,
    /// The journey.
    pub journey: String,
    /// The step.
    pub step: String,
    /// When it should have been sent.
    pub intended: i64,
    /// When it ended.
    pub ended: i64,
    /// How it ended.
    pub result: RequestResult,
    /// How many attempts the device made.
    pub attempts: usize,
    /// Why it failed.
    pub cause: Option<Cause>,
    /// What was replaced.
    pub degradations: Vec<Replaced>,
    /// The faults that overlap it; empty if it is unexplained.
    pub faults: Vec<FaultId>,
}

/// A part of an answer that was replaced.
#[derive(Debug, Clone, PartialEq)]
pub struct Replaced {
    /// The dependency.
    pub dependency: String,
    /// Why.
    pub reason: String,
    /// What stood in.
    pub stood_in: String,
    /// The share of the answer.
    pub weight: f64,
}
