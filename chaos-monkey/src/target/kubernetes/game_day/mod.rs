//! A game day in the pods of a cluster.
//!
//! ```text
//! pods ──list, watch──▶ roster ──▶ journal
//!                         │ ▲
//!            held down ◀──┘ └── what became of it ◀── the path of the agent: filters, guards,
//!               └────────────────────────────────▶    ledger, record, eviction
//! ```
//!
//! The system runs already, and nothing is started or stopped. What a fault kills goes through
//! the same filters and guards as what an agent kills, and leaves the same records. Leadership
//! applies to an agent that conducts it, and not to somebody at a terminal.

mod conductor;
mod deed;
mod error;
mod follow;
mod hold;
mod pods;
mod reach;
mod roster;
mod seen;
mod target;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use conductor::{Conductor, Somebody};
pub use error::PodsError;
pub use pods::Pods;
pub use target::PodTarget;

use super::Killer;
use crate::agent::Rules;

/// How pods are killed in a game day.
#[derive(Clone)]
pub struct PodOptions {
    /// Who kills, in which cluster.
    pub killer: Killer,
    /// By which settings.
    pub rules: Rules,
    /// Who conducts it.
    pub conductor: Arc<dyn Conductor>,
}

impl fmt::Debug for PodOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PodOptions")
            .field("context", &self.killer.connection.context)
            .field("is_dry_run", &self.killer.is_dry_run)
            .finish_non_exhaustive()
    }
}
