//! So many pods of the owner are ready after the kill.

use super::Situation;
use crate::agent::Rules;

pub(super) fn check(rules: &Rules, situation: &Situation<'_>) -> Result<(), String> {
    let minimum = rules.guards.minimum_healthy;
    let wanted = u64::from(situation.state.wanted);
    let share = (wanted * u64::from(minimum.percent)).div_ceil(100) as usize;
    let needed = share.max(minimum.count as usize);
    let left = situation.ready_after_the_kill();
    if left >= needed {
        return Ok(());
    }
    Err(format!(
        "{left} of {wanted} pods would be ready after it, and {needed} must be"
    ))
}
