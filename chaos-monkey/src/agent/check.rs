//! Filters and guards have the same shape: a name, and a reason where they say no.

use super::Rules;
use super::filter::{self, Candidate};
use super::guard::{self, Situation, Veto};

/// What one filter or guard says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Which.
    pub name: &'static str,
    /// Why it says no, if it does.
    pub refusal: Option<String>,
}

/// What each filter says of a candidate, but for those that the rules waive.
pub fn filters(rules: &Rules, candidate: &Candidate<'_>) -> Vec<Check> {
    let check = |filter: &filter::Filter| Check {
        name: filter.name,
        refusal: (filter.check)(rules, candidate).err(),
    };
    let filters = filter::ALL.iter();
    let asked = filters.filter(|filter| !rules.waives(filter.name));
    asked.map(check).collect()
}

/// What each guard says of a situation, but for those that the rules waive.
pub fn guards(rules: &Rules, situation: &Situation<'_>) -> Vec<Check> {
    let check = |guard: &guard::Guard| Check {
        name: guard.name,
        refusal: guard.check(rules, situation).err(),
    };
    let guards = guard::ALL.iter();
    let asked = guards.filter(|guard| !rules.waives(guard.name));
    asked.map(check).collect()
}

/// The first no, if there is one.
pub fn first_no(checks: Vec<Check>) -> Option<Veto> {
    checks.into_iter().find_map(|check| {
        let by = check.name;
        check.refusal.map(|reason| Veto { by, reason })
    })
}
