//! Rules that can forbid a fault, asked at the moment of its execution.
//!
//! Guards are pure functions of a [`Situation`]. They are asked in a fixed order and the first
//! veto counts. When in doubt the monkey does not kill: a guard that cannot be evaluated forbids.
//! What was vetoed is journalled and never drawn again.

mod excluded_service;
mod halt_file;
mod maximum_down;
mod minimum_healthy;
mod situation;

use std::fmt;

pub use excluded_service::ExcludedService;
pub use halt_file::HaltFile;
pub use maximum_down::MaximumDown;
pub use minimum_healthy::MinimumHealthy;
pub use situation::{HaltFileState, InstanceState, Situation};

use crate::journal::PlannedFault;
use crate::schema::Guards;

/// A rule that can forbid a fault.
pub trait Guard: fmt::Debug + Send + Sync {
    /// Its name in journals and reports, which is its key in the file.
    fn name(&self) -> &'static str;

    /// Whether `allowOutage: true` of a fault waives it.
    fn waived_by_allow_outage(&self) -> bool {
        false
    }

    /// Forbids a fault in a situation, with a reason for people.
    fn check(&self, situation: &Situation, fault: &PlannedFault) -> Result<(), Veto>;
}

/// A guard's no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Veto {
    /// The guard.
    pub guard: &'static str,
    /// Its reason, for people.
    pub reason: String,
}

impl fmt::Display for Veto {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.guard, self.reason)
    }
}

impl std::error::Error for Veto {}

/// All guards that a file asks for, in the order in which they are asked: halt file, excluded
/// services, minimum healthy, maximum down.
pub fn all(guards: &Guards) -> Vec<Box<dyn Guard>> {
    let mut all: Vec<Box<dyn Guard>> = Vec::new();
    if let Some(path) = &guards.halt_file {
        all.push(Box::new(HaltFile::new(path.clone())));
    }
    all.push(Box::new(ExcludedService::new(
        guards.excluded_services.iter().cloned(),
    )));
    all.push(Box::new(MinimumHealthy::new(guards.minimum_healthy)));
    all.push(Box::new(MaximumDown::new(guards.maximum_down)));
    all
}

/// Asks all guards in order and returns the first veto. A fault that says `allowOutage: true` is
/// spared those that it waives.
pub fn decide(
    guards: &[Box<dyn Guard>],
    situation: &Situation,
    fault: &PlannedFault,
) -> Result<(), Veto> {
    guards
        .iter()
        .filter(|guard| !(fault.allow_outage && guard.waived_by_allow_outage()))
        .try_for_each(|guard| guard.check(situation, fault))
}

#[cfg(test)]
mod tests;
