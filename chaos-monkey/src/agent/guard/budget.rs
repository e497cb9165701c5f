//! How many kills there may be, in all and in the namespace. The ledger holds what was sent and
//! what may have been sent; only what is proven not to have killed is taken out of it.

use jiff::{SignedDuration, Timestamp};

use super::Situation;
use crate::agent::{Rules, ledger};
use crate::schema::{KillBudget, LedgerEntry};

pub(super) fn check(rules: &Rules, situation: &Situation<'_>) -> Result<(), String> {
    if situation.ledger.len() >= ledger::CAPACITY {
        return Err(format!(
            "the ledger is full with {} kills",
            ledger::CAPACITY
        ));
    }
    let namespace = &situation.owner.namespace;
    let in_namespace = |entry: &LedgerEntry| entry.owner.namespace == *namespace;
    within(&rules.guards.budget, situation, "in all", |_| true)?;
    let place = format!("in `{namespace}`");
    within(
        &rules.guards.namespace_budget,
        situation,
        &place,
        in_namespace,
    )
}

fn within(
    budget: &KillBudget,
    situation: &Situation<'_>,
    place: &str,
    counts: impl Fn(&LedgerEntry) -> bool,
) -> Result<(), String> {
    for (most, hours, span) in [(budget.per_hour, 1, "hour"), (budget.per_day, 24, "day")] {
        let Some(most) = most else { continue };
        let is_recent = is_after(situation.now, SignedDuration::from_hours(hours));
        let entries = situation.ledger.iter();
        let kills = entries
            .filter(|entry| is_recent(entry) && counts(entry))
            .count();
        if kills >= most as usize {
            return Err(format!(
                "{kills} kills {place} within the {span}, and {most} are allowed"
            ));
        }
    }
    Ok(())
}

/// One of the future counts: whichever clock is wrong, it was a kill.
fn is_after(now: Timestamp, span: SignedDuration) -> impl Fn(&LedgerEntry) -> bool {
    move |entry| now.duration_since(entry.at) < span
}
