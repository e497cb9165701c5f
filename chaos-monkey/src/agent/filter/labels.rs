//! The labels that the settings choose.

use super::Candidate;
use crate::agent::Rules;

pub(super) fn check(rules: &Rules, candidate: &Candidate<'_>) -> Result<(), String> {
    match &rules.pods.labels {
        Some(selector) if !selector.selects(&candidate.pod.described.labels) => Err(format!(
            "its labels are not those of spec.pods.labels ({selector})"
        )),
        _ => Ok(()),
    }
}
