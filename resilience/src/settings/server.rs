//! Settings of a server stack.

use serde::{Deserialize, Serialize};

use super::bulkhead::{QueueDelaySettings, order};
use super::latency::AdaptiveLimitSettings;
use super::{Count, Limit, Mistake, Span};
use crate::rate_limit::{RateLimiter, RateLimiterBuilder};
use crate::server::ServerBuilder;

/// What can be set of a server stack; see [`ServerBuilder`] for what each key means.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ServerSettings {
    /// `false` turns everything off.
    pub enabled: Option<bool>,
    /// Who calls (default: strangers).
    pub boundary: Option<BoundarySettings>,
    /// How many requests are worked on at once (default 256), or `none`: all of them, and none
    /// waits.
    pub max_in_flight: Option<Count>,
    /// How many requests are worked on at once follows what is measured, in place of
    /// `max_in_flight` (default: it does not).
    pub adaptive: Option<AdaptiveLimitSettings>,
    /// Whether requests are counted under OpenTelemetry's name, too (default: no).
    pub semantic_metrics: Option<bool>,
    /// How many requests may wait, and for how long.
    pub queue: Option<QueueSettings>,
    /// What those are told in `Retry-After` that find no place (default 1 s), or `none`.
    pub retry_after: Option<Limit>,
    /// How many requests a caller may make (default: any number).
    pub rate_limit: Option<RateLimitSettings>,
    /// Whether deadlines are kept: what is late refused, work that goes on cut off (default:
    /// yes).
    pub deadlines: Option<bool>,
    /// Whether a panic of a handler is answered with a 500 (default: yes).
    pub catch_panics: Option<bool>,
    /// The longest time for a request, or `none` (the default).
    pub default_deadline: Option<Limit>,
    /// What is kept back of the time that a request brings (default: nothing).
    pub reserve: Option<Span>,
    /// Paths that are never queued or shed (default `/livez`, `/readyz`, `/healthz`).
    pub exempt: Option<Vec<String>>,
}

/// Who is on the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum BoundarySettings {
    /// Strangers: internal headers are stripped.
    Edge,
    /// Only our own services: their deadline, priority and trace are taken over.
    Internal,
}

/// A queue in front of the handlers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct QueueSettings {
    /// How many requests may wait (default 256).
    pub length: Option<usize>,
    /// For how long one may wait (default 100 ms).
    pub wait: Option<Span>,
    /// Last come, first served once the queue has not been empty for so long; `none` (the
    /// default): first come, first served.
    pub lifo_after: Option<Limit>,
    /// When waiting has become pointless (default: not before `wait`).
    pub delay: Option<QueueDelaySettings>,
}

/// A quota for each caller, or for all of them together; see [`RateLimiterBuilder`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RateLimitSettings {
    /// How many requests in one period.
    pub requests: u32,
    /// The period.
    pub period: Span,
    /// How many requests are let through at once after a pause (default: all of a
    /// period).
    pub burst: Option<u32>,
    /// The header that tells callers apart; requests without it are not limited. Without this
    /// key all requests share one quota.
    pub header: Option<String>,
    /// How many callers are told apart at the same time (default 10,000).
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

impl QueueSettings {
    fn apply(self, mut builder: ServerBuilder) -> ServerBuilder {
        let (length, wait) = builder.present_queue();
        builder = builder.queue(
            self.length.unwrap_or(length),
            self.wait.map_or(wait, Into::into),
        );
        if let Some(after) = self.lifo_after {
            builder = builder.queue_order(order(after));
        }
        if let Some(delay) = self.delay {
            builder = builder.queue_delay(delay.delay());
        }
        builder
    }
}

impl ServerSettings {
    /// What these settings of the server `name` say twice.
    pub(super) fn contradiction(&self, name: &str) -> Option<Mistake> {
        let found = self.adaptive.as_ref()?.contradiction()?;
        Some(found.at(&format!("servers.{name}.adaptive.")))
    }

    pub(super) fn apply(&self, name: &str, mut builder: ServerBuilder) -> ServerBuilder {
        if let Some(enabled) = self.enabled {
            builder = builder.enabled(enabled);
        }
        match self.boundary {
            Some(BoundarySettings::Edge) => builder = builder.edge(),
            Some(BoundarySettings::Internal) => builder = builder.internal(),
            None => {}
        }
        if let Some(Count(requests)) = self.max_in_flight {
            builder = builder.max_in_flight(requests.map(|requests| requests as usize));
        }
        if let Some(adaptive) = &self.adaptive {
            builder = builder.adaptive(adaptive.config());
        }
        if let Some(semantic) = self.semantic_metrics {
            builder = builder.semantic_metrics(semantic);
        }
        if let Some(queue) = self.queue {
            builder = queue.apply(builder);
        }
        if let Some(Limit(time)) = self.retry_after {
            builder = builder.retry_after(time);
        }
        if let Some(deadlines) = self.deadlines {
            builder = builder.deadlines(deadlines);
        }
        if let Some(catch) = self.catch_panics {
            builder = builder.catch_panics(catch);
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
