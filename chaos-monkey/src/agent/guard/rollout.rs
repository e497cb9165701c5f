//! The owner is not being changed.

use super::Situation;
use crate::agent::Rules;

pub(super) fn check(_: &Rules, situation: &Situation<'_>) -> Result<(), String> {
    if situation.state.is_stale {
        return Err("what the owner says of itself is older than what is asked of it".to_owned());
    }
    match &situation.state.rollout {
        Some(rollout) => Err(format!("a rollout is in progress: {rollout}")),
        None => Ok(()),
    }
}
