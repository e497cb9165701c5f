//! A request that came too soon.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Standing;

/// A request was refused because its caller had used up the quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimited {
    name: Arc<str>,
    standing: Standing,
    retry_after: Duration,
}

impl RateLimited {
    pub(super) fn new(name: Arc<str>, standing: Standing, retry_after: Duration) -> Self {
        Self {
            name,
            standing,
            retry_after,
        }
    }

    /// The limiter that refused.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the caller may expect.
    pub const fn standing(&self) -> &Standing {
        &self.standing
    }

    /// After how long the next request will be let through.
    pub const fn retry_after(&self) -> Duration {
        self.retry_after
    }
}

impl fmt::Display for RateLimited {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "rate limit `{}` is used up: try again in {:.1?}",
            self.name, self.retry_after
        )
    }
}

impl std::error::Error for RateLimited {}
