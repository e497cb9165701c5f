//! Services that are never broken.

use std::collections::BTreeSet;

use super::{Guard, Situation, Veto};
use crate::journal::PlannedFault;

/// Forbids every fault that has a victim in one of the named services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExcludedService {
    services: BTreeSet<String>,
}

impl ExcludedService {
    /// The guard for the named services.
    pub fn new(services: impl IntoIterator<Item = String>) -> Self {
        Self {
            services: services.into_iter().collect(),
        }
    }
}

impl Guard for ExcludedService {
    fn name(&self) -> &'static str {
        "excludedServices"
    }

    fn check(&self, _: &Situation, fault: &PlannedFault) -> Result<(), Veto> {
        let excluded = fault
            .victims
            .iter()
            .find(|victim| self.services.contains(&victim.service));
        match excluded {
            None => Ok(()),
            Some(victim) => Err(Veto {
                guard: self.name(),
                reason: format!("`{}` is excluded", victim.service),
            }),
        }
    }
}
