//! What is kept of kills: a reservation before each, settled after, and kept for as long as some
//! guard counts it.

use jiff::{SignedDuration, Timestamp};

use super::Rules;
use crate::schema::{KillLedgerSpec, KillOutcome, LedgerEntry};

/// How many kills a ledger holds at most: about a quarter of what an object of a cluster may
/// weigh.
pub const CAPACITY: usize = 1_000;

/// How long a kill counts for some guard of these settings.
pub fn window(rules: &Rules) -> SignedDuration {
    const DAY: SignedDuration = SignedDuration::from_hours(24);
    let cool_down = rules.guards().cool_down.get();
    let cool_down = SignedDuration::try_from(cool_down).unwrap_or(SignedDuration::MAX);
    // So many workdays are at most so many weeks, but for days that are left out, for which there
    // is a month.
    let minimum_time = match rules.minimum_time() {
        0 => SignedDuration::ZERO,
        workdays => DAY * (workdays.cast_signed() * 7 + 31),
    };
    DAY.max(cool_down).max(minimum_time)
}

/// Notes what became of a kill. Only what is proven not to have killed is taken out.
pub fn settle(ledger: &mut KillLedgerSpec, kill: &str, outcome: KillOutcome) {
    if outcome.is_proven_harmless() {
        ledger.kills.retain(|entry| entry.kill != kill);
        return;
    }
    for entry in ledger.kills.iter_mut().filter(|entry| entry.kill == kill) {
        entry.outcome = Some(outcome);
    }
}

/// Notes that the owner of a victim is whole again.
pub fn mark_whole(ledger: &mut KillLedgerSpec, kill: &str) {
    for entry in ledger.kills.iter_mut().filter(|entry| entry.kill == kill) {
        entry.is_whole = true;
    }
}

/// Takes out what no guard counts any more.
pub fn prune(ledger: &mut KillLedgerSpec, now: Timestamp) {
    let windows = ledger
        .agents
        .values()
        .map(|agent| match Rules::of(&agent.settings) {
            Ok(rules) => window(&rules),
            // Settings of another version say nothing about what they need: everything is kept.
            Err(_) => SignedDuration::MAX,
        });
    let Some(window) = windows.max() else { return };
    let still_counts = |entry: &LedgerEntry| {
        let is_settled = entry.outcome.is_some() && entry.is_whole;
        !is_settled || now.duration_since(entry.at) <= window
    };
    ledger.kills.retain(still_counts);
}

#[cfg(test)]
mod tests;
