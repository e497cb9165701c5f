//! The owner is not being changed, as `kubectl rollout status` tells it; but for the pods that are
//! missing since they were killed.

use super::Situation;
use crate::agent::Rules;

pub(super) fn check(_: &Rules, situation: &Situation<'_>) -> Result<(), String> {
    let state = situation.state;
    if state.is_stale {
        return Err("what the owner says of itself is older than what is asked of it".to_owned());
    }
    if let Some(rollout) = &state.rollout {
        return Err(format!("a rollout is in progress: {rollout}"));
    }
    let unavailable = state.unavailable;
    if unavailable as usize > situation.open_kills_of_the_owner() {
        return Err(format!(
            "a rollout is in progress: {unavailable} new pods are not available"
        ));
    }
    Ok(())
}
