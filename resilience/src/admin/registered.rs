//! What may be seen and steered.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::circuit_breaker::BreakerHandle;
use crate::circuit_breaker::keyed::KeyedBreakers;
use crate::concurrency::LimitHandle;
use crate::fault::Faults;
use crate::rate_limit::RateLimiter;
use crate::retry::BudgetHandle;
use crate::telemetry::Telemetry;

/// Breakers that come and go.
pub(super) type Breakers = Arc<dyn Fn() -> Vec<BreakerHandle> + Send + Sync>;

/// Everything that was registered.
#[derive(Clone, Default)]
pub(super) struct Registered {
    pub(super) breakers: Vec<BreakerHandle>,
    pub(super) more_breakers: Vec<Breakers>,
    pub(super) keyed: Vec<KeyedBreakers>,
    pub(super) bulkheads: Vec<LimitHandle>,
    pub(super) servers: Vec<LimitHandle>,
    pub(super) retry_budgets: Vec<BudgetHandle>,
    pub(super) hedge_budgets: Vec<BudgetHandle>,
    pub(super) rate_limits: Vec<RateLimiter>,
    pub(super) faults: Vec<Faults>,
    pub(super) telemetry: Option<Telemetry>,
}

impl Registered {
    /// Every breaker that there is now.
    pub(super) fn breakers(&self) -> impl Iterator<Item = BreakerHandle> {
        let more = self.more_breakers.iter().flat_map(|breakers| breakers());
        let keyed = self.keyed.iter().flat_map(KeyedBreakers::handles);
        self.breakers.iter().cloned().chain(more).chain(keyed)
    }

    pub(super) fn breaker(&self, name: &str) -> Option<BreakerHandle> {
        self.breakers().find(|breaker| breaker.name() == name)
    }

    pub(super) fn keyed(&self, name: &str) -> Option<&KeyedBreakers> {
        self.keyed.iter().find(|breakers| breakers.name() == name)
    }

    pub(super) fn faults(&self, name: &str) -> Option<&Faults> {
        self.faults.iter().find(|faults| faults.name() == name)
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.breakers.iter().map(BreakerHandle::name).collect();
        formatter
            .debug_struct("Registered")
            .field("breakers", &names)
            .finish_non_exhaustive()
    }
}

/// What all requests share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) registered: Arc<Registered>,
    /// A permit for each stream of events.
    pub(super) streams: Arc<Semaphore>,
}
