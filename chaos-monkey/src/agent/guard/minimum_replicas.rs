//! The owner wants several pods, so that one can be missing.

use super::Situation;
use crate::agent::Rules;

pub(super) fn check(rules: &Rules, situation: &Situation<'_>) -> Result<(), String> {
    let minimum = rules.guards.minimum_replicas;
    let wanted = situation.state.wanted;
    if wanted >= minimum {
        return Ok(());
    }
    Err(format!(
        "the owner wants {wanted} pods, and spec.guards.minimumReplicas is {minimum}"
    ))
}
