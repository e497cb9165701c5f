//! The builder.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::Quota;
use http::HeaderValue;
use http::request::Parts;

use super::clock::TokioClock;
use super::keys::Keys;
use super::limiter::{Inner, KeyOf, Quotas, RateLimiter};
use super::standing::whole_seconds;
use crate::config::{Checks, ConfigError};
use crate::telemetry::{Telemetry, names};

const PART: &str = "rate limit";

/// Far beyond any sensible quota, and far below what nanoseconds in 64 bits can hold.
const LONGEST_TO_EARN: Duration = Duration::from_hours(366 * 24);

/// Builds a [`RateLimiter`].
#[derive(Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct RateLimiterBuilder {
    name: String,
    requests: u32,
    period: Duration,
    burst: Option<u32>,
    key_of: Option<KeyOf>,
    maximum_keys: usize,
    telemetry: Telemetry,
}

impl RateLimiterBuilder {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            requests: 100,
            period: Duration::from_secs(1),
            burst: None,
            key_of: None,
            maximum_keys: 10_000,
            telemetry: Telemetry::default(),
        }
    }

    /// So many requests in so much time (default: 100 a second).
    pub const fn quota(mut self, requests: u32, period: Duration) -> Self {
        self.requests = requests;
        self.period = period;
        self
    }

    /// How many requests are let through at once after a pause (default: as many as the quota
    /// has in one period).
    pub const fn burst(mut self, requests: u32) -> Self {
        self.burst = Some(requests);
        self
    }

    /// Whose quota a request is counted against, such as that of a user or an address; `None`
    /// is not limited (default: all requests share one quota).
    pub fn key(mut self, key: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        self.key_of = Some(Arc::new(key));
        self
    }

    /// How many keys are told apart at the same time (default 10,000: about half a megabyte).
    /// When all have used quota, further ones share one quota.
    pub const fn maximum_keys(mut self, keys: usize) -> Self {
        self.maximum_keys = keys;
        self
    }

    /// Where metrics and events go (default: nowhere).
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// The limiter.
    ///
    /// # Errors
    ///
    /// A value that cannot be: a name that is no plain text, no requests, no time, no keys, or
    /// a burst that takes more than a year to earn.
    pub fn build(self) -> Result<RateLimiter, ConfigError> {
        let (quota, interval, burst) = self.quota_of()?;
        let policy = self.policy(burst)?;
        let clock = TokioClock::new();
        let count = |result| {
            self.telemetry
                .counter(&names::RATE_LIMIT_REQUESTS, &[&self.name, result])
        };
        let (passed, refused) = (count("passed"), count("refused"));
        let quotas = match self.key_of {
            None => {
                let direct = governor::RateLimiter::direct_with_clock(quota, clock.clone());
                Quotas::Shared(Box::new(direct.with_middleware()))
            }
            Some(key_of) => {
                let gauge = self.telemetry.gauge(&names::RATE_LIMIT_KEYS, &[&self.name]);
                let keys = Keys::new(quota, &clock, self.maximum_keys, gauge);
                let keys = Box::new(keys);
                Quotas::Keyed { key_of, keys }
            }
        };
        Ok(RateLimiter {
            inner: Arc::new(Inner {
                name: self.name.into(),
                quotas,
                clock,
                policy,
                interval,
                burst,
                telemetry: self.telemetry,
                passed,
                refused,
            }),
        })
    }

    fn quota_of(&self) -> Result<(Quota, Duration, u32), ConfigError> {
        let checks = Checks(PART);
        checks.is_at_least_one("requests", self.requests)?;
        checks.is_positive("period", self.period)?;
        let burst = self.burst.unwrap_or(self.requests);
        checks.is_at_least_one("burst", burst)?;
        if self.maximum_keys == 0 {
            return Err(ConfigError::new(PART, "maximum_keys", 0, "at least 1"));
        }
        let interval = self.period / self.requests;
        let to_earn = interval.saturating_mul(burst);
        checks.is_at_most("period", to_earn.max(self.period), LONGEST_TO_EARN)?;
        Quota::with_period(interval)
            .zip(NonZeroU32::new(burst))
            .map(|(quota, burst)| quota.allow_burst(burst))
            .map(|quota| (quota, interval, burst))
            .ok_or_else(|| {
                let expected = "at least a nanosecond for each request";
                ConfigError::new(PART, "period", format!("{:?}", self.period), expected)
            })
    }

    fn policy(&self, burst: u32) -> Result<HeaderValue, ConfigError> {
        let is_plain =
            |byte: u8| (byte.is_ascii_graphic() || byte == b' ') && !b"\"\\".contains(&byte);
        let text = format!(
            "\"{}\";q={burst};w={}",
            self.name,
            whole_seconds((self.period / self.requests).saturating_mul(burst))
        );
        match HeaderValue::try_from(text) {
            Ok(policy) if !self.name.is_empty() && self.name.bytes().all(is_plain) => Ok(policy),
            _ => {
                let expected = "a name of printable ASCII without quotes and backslashes";
                Err(ConfigError::new(PART, "name", &self.name, expected))
            }
        }
    }
}
