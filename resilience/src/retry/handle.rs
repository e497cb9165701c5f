//! A budget from outside.

use std::fmt;
use std::sync::Arc;

use super::budget::{Budget, BudgetStatus};

/// Whoever has a budget.
pub(crate) trait HasBudget: Send + Sync {
    /// The client whose budget it is.
    fn name(&self) -> &str;

    fn budget(&self) -> &Budget;
}

/// Looks at the budget of a retry or of a hedge: for admin endpoints and tests.
#[derive(Clone)]
pub struct BudgetHandle {
    owner: Arc<dyn HasBudget>,
}

impl BudgetHandle {
    pub(crate) fn new(owner: Arc<dyn HasBudget>) -> Self {
        Self { owner }
    }

    /// The name of the client.
    pub fn name(&self) -> &str {
        self.owner.name()
    }

    /// What was counted lately.
    pub fn status(&self) -> BudgetStatus {
        self.owner.budget().status()
    }
}

impl fmt::Debug for BudgetHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BudgetHandle")
            .field("name", &self.name())
            .field("status", &self.status())
            .finish()
    }
}
