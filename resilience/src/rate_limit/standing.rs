//! Where a caller stands with its quota, and the headers that say so.

use std::fmt::Write;
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
        let (remaining, whole_in) = (self.remaining, whole_seconds(self.whole_in));
        // As long as it will be: neither the text nor the header made of it moves any more.
        let digits = digits(remaining.into()) + digits(whole_in);
        let mut limit = String::with_capacity("\"\";r=;t=".len() + self.name.len() + digits);
        // Writing to a string cannot fail.
        let _ = write!(limit, "\"{}\";r={remaining};t={whole_in}", self.name);
        // The name was checked when the limiter was built.
        let Ok(limit) = HeaderValue::try_from(limit) else {
            return;
        };
        headers.append(POLICY, self.policy.clone());
        headers.append(LIMIT, limit);
    }
}

fn digits(number: u64) -> usize {
    number.checked_ilog10().map_or(1, |tens| tens as usize + 1)
}

/// Rounded up: whoever comes back then does not come too soon.
pub(crate) const fn whole_seconds(duration: Duration) -> u64 {
    duration
        .as_secs()
        .saturating_add((duration.subsec_nanos() > 0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_made_for_all_digits_and_no_more() {
        for (number, expected) in [(0, 1), (9, 1), (10, 2), (99, 2), (100, 3), (u64::MAX, 20)] {
            assert_eq!(digits(number), expected, "{number}");
        }
    }
}
