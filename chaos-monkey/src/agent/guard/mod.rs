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
mod open_kills;
mod outage;
mod rollout;
mod schedule;
mod situation;
mod workload_hours;

use std::fmt;

pub use situation::{DisruptionBudget, Halt, Leadership, OwnerState, Situation};

use super::Rules;

/// One guard.
#[derive(Debug, Clone, Copy)]
pub struct Guard {
    /// Its name in logs, metrics, records and explanations.
    pub name: &'static str,
    /// Says why nothing may be killed, for people.
    pub check: fn(&Rules, &Situation<'_>) -> Result<(), String>,
}

/// All guards, in the order in which they are asked.
pub const ALL: [Guard; 14] = [
    Guard {
        name: "enabled",
        check: enabled::check,
    },
    Guard {
        name: "halt",
        check: halt::check,
    },
    Guard {
        name: "leadership",
        check: leadership::check,
    },
    Guard {
        name: "budget",
        check: budget::check,
    },
    Guard {
        name: "cool-down",
        check: cool_down::check,
    },
    Guard {
        name: "minimum-time",
        check: minimum_time::check,
    },
    Guard {
        name: "open-kills",
        check: open_kills::check,
    },
    Guard {
        name: "minimum-healthy",
        check: minimum_healthy::check,
    },
    Guard {
        name: "rollout",
        check: rollout::check,
    },
    Guard {
        name: "minimum-replicas",
        check: minimum_replicas::check,
    },
    Guard {
        name: "disruption-budget",
        check: disruption_budget::check,
    },
    Guard {
        name: "outage",
        check: outage::check,
    },
    Guard {
        name: "schedule",
        check: schedule::check,
    },
    Guard {
        name: "workload-hours",
        check: workload_hours::check,
    },
];

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
