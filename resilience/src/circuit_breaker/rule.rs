//! What opens a closed breaker.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use failsafe::FailurePolicy;

type BoxPolicy = Box<dyn FailurePolicy + Send>;
type PolicyMaker = Arc<dyn Fn() -> BoxPolicy + Send + Sync>;

/// A policy of failsafe, with what it has counted.
pub(super) struct Policy {
    made_by: PolicyMaker,
    policy: BoxPolicy,
}

impl Policy {
    fn new(maker: &PolicyMaker) -> Self {
        Self {
            made_by: Arc::clone(maker),
            policy: maker(),
        }
    }

    /// Goes on with what the one of these has counted that was made by the same rule.
    pub(super) fn resume(&mut self, before: &mut Vec<Self>) {
        let same = before
            .iter()
            .position(|before| Arc::ptr_eq(&before.made_by, &self.made_by));
        if let Some(index) = same {
            *self = before.swap_remove(index);
        }
    }

    pub(super) fn record_success(&mut self) {
        self.policy.record_success();
    }

    pub(super) fn mark_dead_on_failure(&mut self) -> Option<Duration> {
        self.policy.mark_dead_on_failure()
    }

    pub(super) fn revived(&mut self) {
        self.policy.revived();
    }
}

/// What opens a closed breaker: rates over a window, failures in a row, a policy of failsafe,
/// or [any of several](Self::or_else).
///
/// ```
/// use resilience::circuit_breaker::{CircuitBreakerConfig, Rule};
///
/// // Half of the calls of the window, or twelve failures in a row before the window is full.
/// let config = CircuitBreakerConfig::new()
///     .opens_by(Rule::rates().or_else(Rule::consecutive_failures(12)));
/// # let _ = config;
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Rule {
    pub(super) rates: bool,
    /// The lowest limit wins.
    pub(super) consecutive: Option<u32>,
    pub(super) failsafe: Vec<PolicyMaker>,
}

impl Rule {
    /// The share of failures, and of slow calls where these count, over the window: see
    /// [`window`](super::CircuitBreakerConfig::window),
    /// [`failure_rate`](super::CircuitBreakerConfig::failure_rate),
    /// [`slow_calls`](super::CircuitBreakerConfig::slow_calls) and
    /// [`minimum_calls`](super::CircuitBreakerConfig::minimum_calls).
    pub fn rates() -> Self {
        Self {
            rates: true,
            ..Self::default()
        }
    }

    /// So many failures without a success between them, at least one. Of calls that are under
    /// way at the same time the order of their ends counts. Slow calls that succeed do not
    /// count as failures.
    pub fn consecutive_failures(failures: u32) -> Self {
        Self {
            consecutive: Some(failures),
            ..Self::default()
        }
    }

    /// A policy of failsafe: `make` is called once for every breaker built, and whenever one is
    /// reconfigured, because such a policy has a state. A clone of this rule is the same rule: a
    /// breaker that is [reconfigured](super::BreakerHandle::reconfigure) with one keeps the state
    /// of its policy. What another closure would make cannot be compared, and begins anew.
    ///
    /// The policy also says for how long the breaker opens. It sees no latency, so a slow
    /// call counts as a failure for it. Policies of failsafe that look at the time read the
    /// clock of the standard library: paused tokio time does not reach them, though it does
    /// reach the pauses that they return.
    pub fn failsafe<P>(make: impl Fn() -> P + Send + Sync + 'static) -> Self
    where
        P: FailurePolicy + Send + 'static,
    {
        Self {
            failsafe: vec![Arc::new(move || Box::new(make()))],
            ..Self::default()
        }
    }

    /// Opens when this rule or `other` says so. Both count every call.
    pub fn or_else(mut self, other: Self) -> Self {
        self.rates |= other.rates;
        self.consecutive = match (self.consecutive, other.consecutive) {
            (Some(mine), Some(others)) => Some(mine.min(others)),
            (mine, others) => mine.or(others),
        };
        self.failsafe.extend(other.failsafe);
        self
    }

    /// Fresh policies of failsafe.
    pub(super) fn policies(&self) -> Vec<Policy> {
        self.failsafe.iter().map(Policy::new).collect()
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Rule")
            .field("rates", &self.rates)
            .field("consecutive_failures", &self.consecutive)
            .field("failsafe", &self.failsafe.len())
            .finish()
    }
}
