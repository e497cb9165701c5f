//! At most so many instances are away at once.

use std::collections::BTreeSet;

use super::{Guard, InstanceState, Situation, Veto};
use crate::journal::{InstanceName, PlannedFault};

/// Forbids a fault after which more instances of the whole system would be away: down, paused,
/// or started and not ready yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaximumDown {
    maximum: u32,
}

impl MaximumDown {
    /// The guard that lets at most this many instances be away at once.
    pub const fn new(maximum: u32) -> Self {
        Self { maximum }
    }
}

impl Guard for MaximumDown {
    fn name(&self) -> &'static str {
        "maximumDown"
    }

    fn waived_by_allow_outage(&self) -> bool {
        true
    }

    fn check(&self, situation: &Situation, fault: &PlannedFault) -> Result<(), Veto> {
        let away: BTreeSet<&InstanceName> = situation
            .instances
            .iter()
            .filter(|(_, state)| **state != InstanceState::Ready)
            .map(|(instance, _)| instance)
            .chain(&fault.victims)
            .collect();
        if away.len() <= self.maximum as usize {
            return Ok(());
        }
        Err(Veto {
            guard: self.name(),
            reason: format!(
                "{} instances would be away at once, and at most {} may be",
                away.len(),
                self.maximum
            ),
        })
    }
}
