//! What guards look at: the state of everything at one moment.

use std::collections::BTreeMap;

use crate::journal::InstanceName;
pub use crate::target::InstanceState;

/// The state of a system at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Situation {
    /// The state of each instance.
    pub instances: BTreeMap<InstanceName, InstanceState>,
    /// Whether the halt file exists; only looked at if the file asks for that guard.
    pub halt_file: HaltFileState,
}

impl Situation {
    /// Whether an instance is known and ready.
    pub fn is_ready(&self, instance: &InstanceName) -> bool {
        self.instances.get(instance) == Some(&InstanceState::Ready)
    }
}

/// What is known about the halt file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HaltFileState {
    /// It does not exist.
    #[default]
    Absent,
    /// It exists.
    Present,
    /// Nobody could tell, and why: the guard forbids.
    Unknown(String),
}
