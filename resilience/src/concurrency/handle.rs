//! A limit from outside.

use std::sync::Arc;

use super::gate::Gate;

/// Looks at a bulkhead or at the queue of a server: for admin endpoints and tests.
#[derive(Debug, Clone)]
pub struct LimitHandle {
    name: Arc<str>,
    gate: Arc<Gate>,
}

/// What is going on at a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct LimitStatus {
    /// How many may be inside at the moment.
    pub limit: usize,
    /// Whether that follows what is measured.
    pub is_adaptive: bool,
    /// How many are inside.
    pub inside: usize,
    /// How many wait for a place.
    pub waiting: usize,
}

impl LimitHandle {
    pub(crate) const fn new(name: Arc<str>, gate: Arc<Gate>) -> Self {
        Self { name, gate }
    }

    /// The name of the bulkhead or server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is going on now.
    pub fn status(&self) -> LimitStatus {
        self.gate.status()
    }
}
