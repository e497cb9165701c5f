//! Each service keeps a number of ready instances.

use std::collections::BTreeSet;

use super::{Guard, InstanceState, Situation, Veto};
use crate::journal::{InstanceName, PlannedFault};

/// Forbids a fault after which one of its victims' services would have fewer ready instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinimumHealthy {
    minimum: u32,
}

impl MinimumHealthy {
    /// The guard that keeps this many ready instances in each service.
    pub const fn new(minimum: u32) -> Self {
        Self { minimum }
    }
}

impl Guard for MinimumHealthy {
    fn name(&self) -> &'static str {
        "minimumHealthy"
    }

    fn waived_by_allow_outage(&self) -> bool {
        true
    }

    fn check(&self, situation: &Situation, fault: &PlannedFault) -> Result<(), Veto> {
        let services: BTreeSet<&str> = fault
            .victims
            .iter()
            .map(|victim| victim.service.as_str())
            .collect();
        for service in services {
            let left = ready_afterwards(situation, service, &fault.victims);
            if left < self.minimum as usize {
                return Err(Veto {
                    guard: self.name(),
                    reason: format!(
                        "`{service}` would have {left} ready, and must keep {}",
                        self.minimum
                    ),
                });
            }
        }
        Ok(())
    }
}

fn ready_afterwards(situation: &Situation, service: &str, victims: &[InstanceName]) -> usize {
    situation
        .instances
        .iter()
        .filter(|(instance, _)| instance.service == service)
        .filter(|(instance, state)| **state == InstanceState::Ready && !victims.contains(instance))
        .count()
}
