//! While a file exists, nothing is broken.

use super::{Guard, HaltFileState, Situation, Veto};
use crate::journal::PlannedFault;

/// Forbids every fault while a file exists: the switch for everybody who can touch a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HaltFile {
    path: String,
}

impl HaltFile {
    /// The guard for the file at a path, which is only named in the reason: whether it exists is
    /// part of the situation.
    pub fn new(path: String) -> Self {
        Self { path }
    }
}

impl Guard for HaltFile {
    fn name(&self) -> &'static str {
        "haltFile"
    }

    fn check(&self, situation: &Situation, _: &PlannedFault) -> Result<(), Veto> {
        let reason = match &situation.halt_file {
            HaltFileState::Absent => return Ok(()),
            HaltFileState::Present => format!("`{}` exists", self.path),
            HaltFileState::Unknown(why) => {
                format!("cannot tell whether `{}` exists: {why}", self.path)
            }
        };
        Err(Veto {
            guard: self.name(),
            reason,
        })
    }
}
