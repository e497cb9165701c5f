//! No disruption budget forbids it. The cluster asks them once more when a pod is evicted, and
//! refuses a pod that has several.

use super::Situation;
use crate::agent::Rules;
use crate::schema::KillMethod;

pub(super) fn check(rules: &Rules, situation: &Situation<'_>) -> Result<(), String> {
    let is_eviction = matches!(rules.method, KillMethod::Evict);
    if !is_eviction && !rules.guards.honour_disruption_budgets {
        return Ok(());
    }
    match situation.disruption_budgets {
        [one, other, ..] if is_eviction => Err(format!(
            "the cluster evicts no pod that several disruption budgets select, such as `{}` and \
             `{}`",
            one.name, other.name
        )),
        budgets => match budgets.iter().find(|budget| budget.allowed < 1) {
            Some(budget) => Err(format!("`{}` allows no disruption", budget.name)),
            None => Ok(()),
        },
    }
}
