//! What can forbid a kill: guards in a fixed order, each a small pure function that says why.
//!
//! They are asked when a kill is drawn and once more right before it is sent, each time of what
//! has been read just then. When in doubt nothing is killed: what could not be read forbids.

mod budget;
mod cool_down;
mod disruption_budget;
mod enabled;
mod halt;
mod leadership;
mod minimum_healthy;
mod minimum_replicas;
mod minimum_time;
mod namespace_budget;
mod open_kills;
mod outage;
mod rollout;
mod schedule;
mod situation;
mod workload_hours;

use std::fmt;

pub use situation::{DisruptionBudget, Halt, Leadership, Overall, OwnerState, Situation};

use super::Rules;

/// One guard.
#[derive(Debug, Clone, Copy)]
pub struct Guard {
    /// Its name in logs, metrics, records and explanations.
    pub name: &'static str,
    /// What it looks at.
    pub ask: Ask,
}

/// What a guard looks at. It says why nothing may be killed, for people.
#[derive(Debug, Clone, Copy)]
pub enum Ask {
    /// What concerns every kill: its no holds for all owners alike.
    OfAll(fn(&Rules, &Overall<'_>) -> Result<(), String>),
    /// What concerns one owner and its victim.
    OfOwner(fn(&Rules, &Situation<'_>) -> Result<(), String>),
}

/// All guards, in the order in which they are asked.
pub const ALL: [Guard; 15] = [
    Guard {
        name: "enabled",
        ask: Ask::OfAll(enabled::check),
    },
    Guard {
        name: "halt",
        ask: Ask::OfAll(halt::check),
    },
    Guard {
        name: "leadership",
        ask: Ask::OfAll(leadership::check),
    },
    Guard {
        name: "budget",
        ask: Ask::OfAll(budget::check),
    },
    Guard {
        name: "namespace-budget",
        ask: Ask::OfOwner(namespace_budget::check),
    },
    Guard {
        name: "cool-down",
        ask: Ask::OfOwner(cool_down::check),
    },
    Guard {
        name: "minimum-time",
        ask: Ask::OfOwner(minimum_time::check),
    },
    Guard {
        name: "open-kills",
        ask: Ask::OfAll(open_kills::check),
    },
    Guard {
        name: "minimum-healthy",
        ask: Ask::OfOwner(minimum_healthy::check),
    },
    Guard {
        name: "rollout",
        ask: Ask::OfOwner(rollout::check),
    },
    Guard {
        name: "minimum-replicas",
        ask: Ask::OfOwner(minimum_replicas::check),
    },
    Guard {
        name: "disruption-budget",
        ask: Ask::OfOwner(disruption_budget::check),
    },
    Guard {
        name: "outage",
        ask: Ask::OfAll(outage::check),
    },
    Guard {
        name: "schedule",
        ask: Ask::OfAll(schedule::check),
    },
    Guard {
        name: "workload-hours",
        ask: Ask::OfOwner(workload_hours::check),
    },
];

impl Guard {
    /// Says why nothing may be killed, for people.
    ///
    /// # Errors
    ///
    /// That reason.
    pub fn check(&self, rules: &Rules, situation: &Situation<'_>) -> Result<(), String> {
        match self.ask {
            Ask::OfAll(check) => check(rules, &situation.overall),
            Ask::OfOwner(check) => check(rules, situation),
        }
    }
}

/// The first no that holds for all owners alike, if there is one.
pub fn veto_of_all(rules: &Rules, overall: &Overall<'_>) -> Option<Veto> {
    ALL.iter().find_map(|guard| {
        let Ask::OfAll(check) = guard.ask else {
            return None;
        };
        let reason = check(rules, overall).err()?;
        let by = guard.name;
        Some(Veto { by, reason })
    })
}

/// A no, of a guard or of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Veto {
    /// Who said it.
    pub by: &'static str,
    /// Why, for people.
    pub reason: String,
}

impl fmt::Display for Veto {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.by, self.reason)
    }
}

#[cfg(test)]
mod tests;
