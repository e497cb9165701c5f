//! The limiter: what all services and servers that share a quota hold on to.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use governor::NotUntil;
use governor::clock::Clock;
use governor::middleware::{StateInformationMiddleware, StateSnapshot};
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use http::HeaderValue;
use http::request::Parts;

use super::builder::RateLimiterBuilder;
use super::clock::TokioClock;
use super::error::RateLimited;
use super::keys::Keys;
use super::standing::Standing;
use crate::ledger::Reason;
use crate::telemetry::{Counter, Event, Telemetry};

/// What `governor` says to a request.
pub(super) type Verdict = Result<StateSnapshot, NotUntil<Nanos>>;

/// Under which key a request is counted.
pub(super) type KeyOf = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;

/// One quota for everybody.
pub(super) type Direct =
    governor::RateLimiter<NotKeyed, InMemoryState, TokioClock, StateInformationMiddleware>;

/// Whose quotas are counted.
pub(super) enum Quotas {
    Shared(Box<Direct>),
    Keyed { key_of: KeyOf, keys: Box<Keys> },
}

/// Lets so many requests through in so much time. Clones share the quotas.
///
/// See the [module docs](super) for an example.
#[derive(Clone)]
pub struct RateLimiter {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) name: Arc<str>,
    pub(super) quotas: Quotas,
    pub(super) clock: TokioClock,
    pub(super) policy: HeaderValue,
    pub(super) interval: Duration,
    pub(super) burst: u32,
    pub(super) telemetry: Telemetry,
    pub(super) passed: Counter,
    pub(super) refused: Counter,
}

/// What a limiter lets through, and how much it has counted.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct RateLimitStatus {
    /// How many requests pass at once after a pause.
    pub burst: u32,
    /// In how many milliseconds quota for one more request is earned.
    pub interval_ms: f64,
    /// How many keys are told apart now; `None` where there is one quota for all.
    pub keys: Option<usize>,
    /// Requests that passed.
    pub passed: u64,
    /// Requests that were refused.
    pub refused: u64,
}

impl RateLimiter {
    /// Begins a limiter called `name`: the name that metrics, headers and errors use.
    pub fn builder(name: impl Into<String>) -> RateLimiterBuilder {
        RateLimiterBuilder::new(name.into())
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// What it lets through and how much it has counted.
    pub fn status(&self) -> RateLimitStatus {
        let inner = &*self.inner;
        RateLimitStatus {
            burst: inner.burst,
            interval_ms: inner.interval.as_secs_f64() * 1e3,
            keys: match &inner.quotas {
                Quotas::Shared(_) => None,
                Quotas::Keyed { keys, .. } => Some(keys.len()),
            },
            passed: inner.passed.value(),
            refused: inner.refused.value(),
        }
    }

    /// Counts a request in, if its caller has quota left; `None` if it is not limited.
    ///
    /// # Errors
    ///
    /// The quota is used up.
    pub fn check(&self, request: &Parts) -> Result<Option<Standing>, RateLimited> {
        let inner = &*self.inner;
        let verdict = match &inner.quotas {
            Quotas::Shared(quota) => quota.check(),
            Quotas::Keyed { key_of, keys } => match key_of(request) {
                Some(key) => keys.check(&key),
                None => return Ok(None),
            },
        };
        match verdict {
            Ok(snapshot) => {
                inner.passed.increment();
                Ok(Some(inner.standing(snapshot.remaining_burst_capacity())))
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(inner.clock.now());
                Err(inner.refuse(wait))
            }
        }
    }
}

impl Inner {
    fn standing(&self, remaining: u32) -> Standing {
        let used = self.burst.saturating_sub(remaining);
        Standing {
            name: Arc::clone(&self.name),
            policy: self.policy.clone(),
            remaining,
            whole_in: self.interval.saturating_mul(used),
        }
    }

    fn refuse(&self, wait: Duration) -> RateLimited {
        self.refused.increment();
        self.telemetry.tell(|| Event::Rejected {
            name: self.name.to_string(),
            by: "rate-limit".to_owned(),
            reason: Reason::Limited.as_str().to_owned(),
        });
        RateLimited::new(Arc::clone(&self.name), self.standing(0), wait)
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RateLimiter")
            .field("name", &self.inner.name)
            .finish_non_exhaustive()
    }
}
