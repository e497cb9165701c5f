//! What is wrong with a fault, and the errors that faults cause.

use super::registry::FaultId;

/// A fault that cannot be injected, renewed or lifted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// A value of the fault cannot be.
    #[error("`{key}` of the fault is {value}: expected {expected}")]
    Value {
        /// The path of the value.
        key: &'static str,
        /// What it is.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
    /// There are as many faults as there may be.
    #[error("{maximum} faults are active: expected at most that many, lift one first")]
    TooMany {
        /// How many there may be.
        maximum: usize,
    },
    /// The fault has ended, or never was.
    #[error("no fault {0} is active: its lease may have ended")]
    Unknown(FaultId),
}

/// A fault broke the connection off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection was broken off on purpose")]
#[non_exhaustive]
pub struct InjectedAbort;
