//! How many kills there may be in all. The ledger holds what was sent and what may have been sent;
//! only what is proven not to have killed is taken out of it.

use jiff::{SignedDuration, Timestamp};

use super::Overall;
use crate::agent::{Rules, ledger};
use crate::schema::{KillBudget, LedgerEntry};

pub(super) fn check(rules: &Rules, overall: &Overall<'_>) -> Result<(), String> {
    if ledger::weight(overall.ledger) >= ledger::CAPACITY {
        return Err(format!(
            "the ledger is full with {} kills that still count",
            overall.ledger.len()
        ));
    }
    within(&rules.guards.budget, overall, "in all", |_| true)
}

/// Whether a budget is left for those kills that it counts.
pub(super) fn within(
    budget: &KillBudget,
    overall: &Overall<'_>,
    place: &str,
    counts: impl Fn(&LedgerEntry) -> bool,
) -> Result<(), String> {
    for (most, hours, span) in [(budget.per_hour, 1, "hour"), (budget.per_day, 24, "day")] {
        let Some(most) = most else { continue };
        let is_recent = is_after(overall.now, SignedDuration::from_hours(hours));
        let entries = overall.ledger.iter();
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
