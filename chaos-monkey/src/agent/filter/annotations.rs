//! The annotations that the settings choose.

use super::Candidate;
use crate::agent::Rules;

pub(super) fn check(rules: &Rules, candidate: &Candidate<'_>) -> Result<(), String> {
    match &rules.pods.annotations {
        Some(selector) if !selector.selects(&candidate.pod.described.annotations) => Err(format!(
            "its annotations are not those of spec.pods.annotations ({selector})"
        )),
        _ => Ok(()),
    }
}
