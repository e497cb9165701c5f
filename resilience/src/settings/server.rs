//! Settings of a server stack.

use serde::{Deserialize, Serialize};

use super::latency::AdaptiveLimitSettings;
use super::{Limit, Span};
use crate::rate_limit::{RateLimiter, RateLimiterBuilder};
use crate::server::ServerBuilder;

/// What can be set of a server stack; see [`ServerBuilder`] for what each key means.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ServerSettings {
    /// `false` turns everything off.
    pub enabled: Option<bool>,
    /// How many requests are worked on at once.
    pub max_in_flight: Option<usize>,
    /// How many requests are worked on at once follows what is measured, in place of
    /// `max_in_flight`.
    pub adaptive: Option<AdaptiveLimitSettings>,
    /// Whether requests are counted under OpenTelemetry's name, too.
    pub semantic_metrics: Option<bool>,
    /// How many requests may wait, and for how long.
    pub queue: Option<QueueSettings>,
    /// How many requests a caller may make.
    pub rate_limit: Option<RateLimitSettings>,
    /// The longest time for a request.
    pub default_deadline: Option<Limit>,
    /// What is kept back of the time that a request brings.
    pub reserve: Option<Span>,
    /// Paths that are never queued or shed.
    pub exempt: Option<Vec<String>>,
}

/// A queue in front of the handlers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct QueueSettings {
    /// How many requests may wait.
    pub length: usize,
    /// For how long one may wait.
    pub wait: Span,
}

/// A quota for each caller, or for all of them together; see [`RateLimiterBuilder`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RateLimitSettings {
    /// How many requests in one period.
    pub requests: u32,
    /// The period.
    pub period: Span,
    /// How many requests are let through at once after a pause.
    pub burst: Option<u32>,
    /// The header that tells callers apart; requests without it are not limited. Without this
    /// key all requests share one quota.
    pub header: Option<String>,
    /// How many callers are told apart at the same time.
    pub maximum_keys: Option<usize>,
}

impl RateLimitSettings {
    fn builder(&self, name: &str) -> RateLimiterBuilder {
        let mut builder = RateLimiter::builder(name).quota(self.requests, self.period.0);
        if let Some(burst) = self.burst {
            builder = builder.burst(burst);
        }
        if let Some(keys) = self.maximum_keys {
            builder = builder.maximum_keys(keys);
        }
        if let Some(header) = self.header.clone() {
            builder = builder.key(move |parts| {
                let value = parts.headers.get(&header)?;
                Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
            });
        }
        builder
    }
}

impl ServerSettings {
    pub(super) fn apply(&self, name: &str, mut builder: ServerBuilder) -> ServerBuilder {
        if let Some(enabled) = self.enabled {
            builder = builder.enabled(enabled);
        }
        if let Some(requests) = self.max_in_flight {
            builder = builder.max_in_flight(requests);
        }
        if let Some(adaptive) = &self.adaptive {
            builder = builder.adaptive(adaptive.config());
        }
        if let Some(semantic) = self.semantic_metrics {
            builder = builder.semantic_metrics(semantic);
        }
        if let Some(queue) = self.queue {
            builder = builder.queue(queue.length, queue.wait.0);
        }
        if let Some(limit) = &self.rate_limit {
            builder = builder.quota(limit.builder(name));
        }
        if let Some(Limit(deadline)) = self.default_deadline {
            builder = builder.default_deadline(deadline);
        }
        if let Some(Span(reserve)) = self.reserve {
            builder = builder.reserve(reserve);
        }
        if let Some(paths) = &self.exempt {
            builder = builder.exempt(paths);
        }
        builder
    }
}
