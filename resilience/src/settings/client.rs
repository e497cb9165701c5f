//! Settings of a client stack.

use serde::{Deserialize, Serialize};

use super::balance::BalanceSettings;
use super::breaker::BreakerSettings;
use super::bulkhead::BulkheadSettings;
use super::endpoints::{Addresses, DnsSettings};
use super::fallback::FallbackSettings;
use super::latency::{AdaptiveLimitSettings, AdaptiveTimeoutSettings, HedgeSettings};
use super::retry::RetrySettings;
use super::{Count, Limit, Mistake, Span};
use crate::stack::ClientBuilder;

/// What can be set of a client stack; see [`ClientBuilder`] for what each key means.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ClientSettings {
    /// `false` turns everything off.
    pub enabled: Option<bool>,
    /// Where the dependency can be reached: a fixed list.
    pub endpoints: Option<Addresses>,
    /// Where it can be reached: what a name resolves to, again and again; not together with
    /// `endpoints`.
    pub dns: Option<DnsSettings>,
    /// How long a connection may take to come about (default 1 s), or `none`; of no use to a
    /// transport of your own.
    pub connect_timeout: Option<Limit>,
    /// Whether calls end at deadlines, their own and those of their context (default: yes).
    pub deadlines: Option<bool>,
    /// The time for the whole call (default 2 s), or `none`.
    pub deadline: Option<Limit>,
    /// What is kept back of the context's time (default 10 ms).
    pub reserve: Option<Span>,
    /// The time for one attempt (default 500 ms), or `none`.
    pub attempt_timeout: Option<Limit>,
    /// Lets the time for one attempt follow what the dependency usually takes (default: it does
    /// not).
    pub adaptive_timeout: Option<AdaptiveTimeoutSettings>,
    /// The longest silence in the body of an answer (default 60 s), or `none`.
    pub body_idle: Option<Limit>,
    /// The share of the caller's own answer that a call provides, 0 to 1 (default 1).
    pub weight: Option<f64>,
    /// Who calls, told to the dependency (default: nobody says so).
    pub caller: Option<String>,
    /// Whether identical reads at the same time share one call (default: no).
    pub coalesce: Option<bool>,
    /// Up to how many bytes bodies are collected inside the attempt (default 1 MiB), or `none`.
    pub collect: Option<Count>,
    /// Whether the context is written into headers (default: yes).
    pub propagate: Option<bool>,
    /// Whether calls and attempts are counted by what came of them (default: yes).
    pub success_metrics: Option<bool>,
    /// The seed of everything that is left to chance (default: a random one).
    pub seed: Option<u64>,
    /// Whether requests are counted under OpenTelemetry's name, too (default: no).
    pub semantic_metrics: Option<bool>,
    /// When a slow call is sent a second time (default: never).
    pub hedge: Option<HedgeSettings>,
    /// When a failed attempt is repeated.
    pub retry: Option<RetrySettings>,
    /// When the circuit opens.
    pub breaker: Option<BreakerSettings>,
    /// How many attempts may be under way at once.
    pub bulkhead: Option<BulkheadSettings>,
    /// How endpoints are chosen and ejected.
    pub balance: Option<BalanceSettings>,
    /// What stands in when a call fails for good.
    pub fallback: Option<FallbackSettings>,
}

impl ClientSettings {
    /// What these settings of the client `name` say twice.
    pub(super) fn contradictions(&self, name: &str) -> Vec<Mistake> {
        let adaptive = self.bulkhead.as_ref().and_then(|it| it.adaptive.as_ref());
        let breaker = self
            .breaker
            .as_ref()
            .and_then(BreakerSettings::contradiction);
        let hedge = self.hedge.as_ref().and_then(HedgeSettings::contradiction);
        let adaptive = adaptive.and_then(AdaptiveLimitSettings::contradiction);
        let both = self.endpoints.is_some() && self.dns.is_some();
        let endpoints = both.then(|| Mistake::beside("endpoints", "dns"));
        let timeout = (self.attempt_timeout == Some(Limit(None))
            && self.adaptive_timeout.is_some())
        .then(|| Mistake::without("adaptive_timeout", "attempt_timeout"));
        let found = [
            ("", endpoints),
            ("", timeout),
            ("breaker.", breaker),
            ("hedge.", hedge),
            ("bulkhead.adaptive.", adaptive),
        ];
        let inside = |(part, found): (&str, Option<Mistake>)| {
            found.map(|it| it.at(&format!("clients.{name}.{part}")))
        };
        found.into_iter().filter_map(inside).collect()
    }

    pub(super) fn apply(&self, mut builder: ClientBuilder) -> ClientBuilder {
        if let Some(enabled) = self.enabled {
            builder = builder.enabled(enabled);
        }
        if let Some(Addresses(endpoints)) = &self.endpoints {
            builder = builder.endpoints(endpoints.clone());
        }
        if let Some(dns) = &self.dns {
            builder = builder.dns(dns.dns());
        }
        if let Some(Limit(timeout)) = self.connect_timeout {
            builder = builder.connect_timeout(timeout);
        }
        if let Some(deadlines) = self.deadlines {
            builder = builder.deadlines(deadlines);
        }
        if let Some(Limit(deadline)) = self.deadline {
            builder = builder.deadline(deadline);
        }
        if let Some(Span(reserve)) = self.reserve {
            builder = builder.reserve(reserve);
        }
        if let Some(Limit(timeout)) = self.attempt_timeout {
            builder = builder.attempt_timeout(timeout);
        }
        if let Some(adaptive) = &self.adaptive_timeout {
            builder = builder.adaptive_timeout(adaptive.config());
        }
        if let Some(caller) = &self.caller {
            builder = builder.caller(caller);
        }
        if let Some(coalesce) = self.coalesce {
            builder = builder.coalesce(coalesce);
        }
        if let Some(Count(bytes)) = self.collect {
            builder = builder.collect(bytes.map(|bytes| bytes as usize));
        }
        if let Some(propagate) = self.propagate {
            builder = builder.propagate(propagate);
        }
        if let Some(success) = self.success_metrics {
            builder = builder.success_metrics(success);
        }
        if let Some(seed) = self.seed {
            builder = builder.seed(seed);
        }
        if let Some(semantic) = self.semantic_metrics {
            builder = builder.semantic_metrics(semantic);
        }
        if let Some(hedge) = &self.hedge {
            builder = builder.hedge(hedge.config());
        }
        if let Some(Limit(idle)) = self.body_idle {
            builder = builder.body_idle(idle);
        }
        if let Some(weight) = self.weight {
            builder = builder.weight(weight);
        }
        if let Some(retry) = &self.retry {
            builder = builder.retry(retry.config());
        }
        if let Some(breaker) = &self.breaker {
            builder = builder.breaker(breaker.config());
        }
        if let Some(bulkhead) = &self.bulkhead {
            builder = builder.bulkhead(bulkhead.config());
        }
        if let Some(balance) = &self.balance {
            let config = balance.config(builder.present_attempt_timeout());
            builder = builder.balance(config);
        }
        if let Some(fallback) = &self.fallback {
            builder = builder.fallback(fallback.fallback());
        }
        builder
    }
}
