//! What is kept of kills: a reservation before each, settled after, and kept for as long as some
//! guard counts it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::Rules;
use crate::schema::{KillLedgerSpec, KillOutcome, LedgerEntry, OwnerName};

/// How many bytes the kills of a ledger weigh at most: two thirds of the 1.5 MiB that etcd takes
/// for one object. About 2,500 kills weigh so much.
pub const CAPACITY: usize = 1 << 20;

/// For how long budgets count a kill.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// About how many bytes some kills weigh in a ledger.
pub fn weight(kills: &[LedgerEntry]) -> usize {
    /// What is the same for all: keys, times and signs.
    const FRAME: usize = 280;
    let weight = |it: &LedgerEntry| {
        let names = [&it.kill, &it.agent, &it.occasion, &it.pod, &it.pod_uid];
        let names: usize = names.into_iter().map(String::len).sum();
        FRAME + names + it.owner.namespace.len() + it.owner.name.len()
    };
    kills.iter().map(weight).sum()
}

/// Notes what became of a kill. Only what is proven not to have killed is taken out; what counts
/// is put in again if somebody has taken it out.
pub fn settle(ledger: &mut KillLedgerSpec, kill: &LedgerEntry, outcome: KillOutcome) {
    if outcome.is_proven_harmless() {
        ledger.kills.retain(|entry| entry.kill != kill.kill);
        return;
    }
    let mut entries = ledger.kills.iter_mut();
    match entries.find(|entry| entry.kill == kill.kill) {
        Some(entry) => entry.outcome = Some(outcome),
        None => ledger.kills.push(LedgerEntry {
            outcome: Some(outcome),
            ..kill.clone()
        }),
    }
}

/// Notes that nobody waits for a kill any more: its owner is whole again, or its victim lives.
pub fn close(ledger: &mut KillLedgerSpec, kill: &str) {
    for entry in ledger.kills.iter_mut().filter(|entry| entry.kill == kill) {
        entry.is_whole = true;
    }
}

/// Takes out what no guard counts any more, neither of these rules nor of those of any agent:
/// after a day, by which budgets are counted, that is all but the latest kill of each owner, which
/// counts for the cool-down and the minimum time.
pub fn prune(ledger: &mut KillLedgerSpec, rules: &Rules, now: Timestamp) {
    let of_agents = ledger.agents.values().map(|agent| {
        let spec = agent.spec().ok()?;
        Rules::of(&spec).ok()
    });
    let all = of_agents.chain([Some(rules.clone())]);
    let spans: Vec<Span> = all.map(|rules| Span::of(rules, now)).collect();
    let mut latest: BTreeMap<OwnerName, Timestamp> = BTreeMap::new();
    for entry in &ledger.kills {
        let at = latest.entry(entry.owner.clone()).or_insert(entry.at);
        *at = entry.at.max(*at);
    }
    ledger.kills.retain(|entry| {
        let is_open = entry.outcome.is_none() || !entry.is_whole;
        let is_of_the_day = now.duration_since(entry.at) <= DAY;
        let counts_for_owner = || {
            latest.get(&entry.owner) == Some(&entry.at)
                && spans.iter().any(|span| span.reaches(entry.at, now))
        };
        is_open || is_of_the_day || counts_for_owner()
    });
}

/// How long the latest kill of an owner counts.
enum Span {
    /// By these rules, from this workday on; from ever on where there are too few of them.
    Of(Box<Rules>, Option<Date>),
    /// By rules of another version, of which nobody knows what they need.
    Unknown,
}

impl Span {
    fn of(rules: Option<Rules>, now: Timestamp) -> Self {
        let Some(rules) = rules else {
            return Self::Unknown;
        };
        let calendar = rules.calendar();
        let today = now.to_zoned(calendar.zone().clone()).date();
        let first_day = calendar.workdays_before(today, rules.minimum_time());
        Self::Of(Box::new(rules), first_day)
    }

    fn reaches(&self, at: Timestamp, now: Timestamp) -> bool {
        let Self::Of(rules, first_day) = self else {
            return true;
        };
        let cool_down = rules.guards().cool_down.get();
        let cool_down = SignedDuration::try_from(cool_down).unwrap_or(SignedDuration::MAX);
        let day = || at.to_zoned(rules.calendar().zone().clone()).date();
        // A whole day, since the time of the day may count again on the next workday.
        let is_within_workdays =
            || rules.minimum_time() > 0 && first_day.is_none_or(|first| day() >= first);
        now.duration_since(at) < cool_down || is_within_workdays()
    }
}

#[cfg(test)]
mod tests;
