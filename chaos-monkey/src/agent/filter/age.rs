//! Old enough.

use super::Candidate;
use crate::agent::Rules;

pub(super) fn check(rules: &Rules, candidate: &Candidate<'_>) -> Result<(), String> {
    let minimum = rules.pods.minimum_age;
    // A pod from the future has no age, whichever clock is wrong.
    let age = candidate
        .now
        .duration_since(candidate.pod.created)
        .as_secs();
    if u64::try_from(age).unwrap_or(0) >= minimum {
        return Ok(());
    }
    Err(format!(
        "it is {} s old, and spec.pods.minimumAge is {minimum} s",
        age.max(0)
    ))
}
