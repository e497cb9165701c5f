//! Where a caller stands with its quota, and the headers that say so.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Where a caller stands with its quota after a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub(super) name: Arc<str>,
    pub(super) policy: HeaderValue,
    pub(super) remaining: u32,
    pub(super) whole_in: Duration,
}

impl Standing {
    /// How many requests are let through at once.
    pub const fn remaining(&self) -> u32 {
        self.remaining
    }

    /// After how long without requests the quota is whole again.
    pub const fn whole_in(&self) -> Duration {
        self.whole_in
    }

    /// Writes `RateLimit-Policy` and `RateLimit`; those of another limiter stay.
    pub fn write_to(&self, headers: &mut HeaderMap) {
        let limit = format!(
            "\"{}\";r={};t={}",
            self.name,
            self.remaining,
            whole_seconds(self.whole_in)
        );
        // The name was checked when the limiter was built.
        let Ok(limit) = HeaderValue::try_from(limit) else {
            return;
        };
        headers.append(POLICY, self.policy.clone());
        headers.append(LIMIT, limit);
    }
}

/// Rounded up: whoever comes back then does not come too soon.
pub(crate) const fn whole_seconds(duration: Duration) -> u64 {
    duration
        .as_secs()
        .saturating_add((duration.subsec_nanos() > 0) as u64)
}
