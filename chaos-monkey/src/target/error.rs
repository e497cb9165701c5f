//! Why something could not be done to an instance.

use thiserror::Error;

use crate::journal::InstanceName;

/// Why something could not be done to an instance.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TargetError {
    /// There is no such instance.
    #[error("{instance} does not exist in this system")]
    Unknown {
        /// Which.
        instance: InstanceName,
    },
    /// The instance does not run.
    #[error("{instance} was not running")]
    NotRunning {
        /// Which.
        instance: InstanceName,
    },
    /// Another fault has halted the instance already.
    #[error("{instance} is paused by `{fault}` already")]
    AlreadyPaused {
        /// Which.
        instance: InstanceName,
        /// By which fault.
        fault: String,
    },
    /// The operating system refused.
    #[error("{instance} could not be signalled: {reason}")]
    Refused {
        /// Which.
        instance: InstanceName,
        /// In the words of the operating system.
        reason: String,
    },
    /// The target cannot do that to its instances.
    #[error("{instance} cannot be {what} in this target")]
    Impossible {
        /// Which.
        instance: InstanceName,
        /// What: `paused`.
        what: &'static str,
    },
    /// A guard said no, it is a dry run, or the cluster did not do it.
    #[error("{instance} was not killed: {reason}")]
    NotKilled {
        /// Which.
        instance: InstanceName,
        /// Why, for people.
        reason: String,
    },
    /// The target is being stopped.
    #[error("{instance} is being stopped")]
    Stopping {
        /// Which.
        instance: InstanceName,
    },
}
