//! How many kills there may be in one namespace.

use super::Situation;
use super::budget::within;
use crate::agent::Rules;
use crate::schema::LedgerEntry;

pub(super) fn check(rules: &Rules, situation: &Situation<'_>) -> Result<(), String> {
    let namespace = &situation.owner.namespace;
    let in_namespace = |entry: &LedgerEntry| entry.owner.namespace == *namespace;
    let place = format!("in `{namespace}`");
    let budget = &rules.guards.namespace_budget;
    within(budget, &situation.overall, &place, in_namespace)
}
