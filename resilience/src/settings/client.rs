//! Settings of a client stack.

use serde::{Deserialize, Serialize};

use super::latency::{AdaptiveLimitSettings, AdaptiveTimeoutSettings, HedgeSettings};
use super::{Limit, Mistake, Span};
use crate::balance::{BalanceConfig, SuccessRate};
use crate::bulkhead::BulkheadConfig;
use crate::circuit_breaker::{BreakerHandle, CircuitBreakerConfig, Rule, Window};
use crate::retry::RetryConfig;
use crate::stack::ClientBuilder;

/// What can be set of a client stack; see [`ClientBuilder`] for what each key means.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ClientSettings {
    /// `false` turns everything off.
    pub enabled: Option<bool>,
    /// The time for the whole call, or `none`.
    pub deadline: Option<Limit>,
    /// What is kept back of the context's time.
    pub reserve: Option<Span>,
    /// The time for one attempt, or `none`.
    pub attempt_timeout: Option<Limit>,
    /// Lets the time for one attempt follow what the dependency usually takes.
    pub adaptive_timeout: Option<AdaptiveTimeoutSettings>,
    /// The longest silence in the body of an answer, or `none`.
    pub body_idle: Option<Limit>,
    /// The share of the caller's own answer that a call provides, 0 to 1.
    pub weight: Option<f64>,
    /// Who calls, told to the dependency.
    pub caller: Option<String>,
    /// Whether identical reads at the same time share one call.
    pub coalesce: Option<bool>,
    /// Whether requests are counted under OpenTelemetry's name, too.
    pub semantic_metrics: Option<bool>,
    /// When a slow call is sent a second time.
    pub hedge: Option<HedgeSettings>,
    /// When a failed attempt is repeated.
    pub retry: Option<RetrySettings>,
    /// When the circuit opens.
    pub breaker: Option<BreakerSettings>,
    /// How many attempts may be under way at once.
    pub bulkhead: Option<BulkheadSettings>,
    /// How endpoints are chosen and ejected.
    pub balance: Option<BalanceSettings>,
}

/// What can be set of the repetitions; see [`RetryConfig`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RetrySettings {
    /// `false` removes the part.
    pub enabled: Option<bool>,
    /// Attempts in all, the first included.
    pub maximum_attempts: Option<u32>,
    /// The waits between attempts.
    pub backoff: Option<BackoffSettings>,
    /// What an attempt needs at least.
    pub shortest_attempt: Option<Span>,
    /// How many repetitions the client allows itself.
    pub budget: Option<BudgetSettings>,
}

/// Waits that double.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BackoffSettings {
    /// The longest first wait.
    pub base: Span,
    /// The longest wait of all.
    pub maximum: Span,
}

/// A budget of repetitions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BudgetSettings {
    /// Repetitions per call.
    pub ratio: f64,
    /// Repetitions per second that are always allowed.
    pub minimum_per_second: u32,
}

/// What can be set of the breaker; see [`CircuitBreakerConfig`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct BreakerSettings {
    /// `false` removes the part.
    pub enabled: Option<bool>,
    /// The share of failures at which it opens, above 0 to 1.
    pub failure_rate: Option<f64>,
    /// Below so many calls it stays closed.
    pub minimum_calls: Option<u32>,
    /// The rates are those of so many calls; not together with `window_time`.
    pub window_calls: Option<u32>,
    /// The rates are those of so much time.
    pub window_time: Option<Span>,
    /// Which calls are slow, and how many of them open it.
    pub slow_calls: Option<SlowCallSettings>,
    /// So many failures in a row open it, too.
    pub consecutive_failures: Option<u32>,
    /// Over how long the admitted share grows after good probes, or `none`.
    pub ramp: Option<Limit>,
    /// For how long it stays open.
    pub backoff: Option<BackoffSettings>,
    /// How many outcomes of probes decide.
    pub probes: Option<u32>,
    /// After how long hanging probes reopen it.
    pub half_open_deadline: Option<Span>,
}

/// Which calls are slow, and how many of them are too many.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SlowCallSettings {
    /// Calls that take as long as this or longer are slow.
    pub threshold: Span,
    /// The share of them at which the breaker opens, above 0 to 1.
    pub rate: f64,
}

/// What can be set of the bulkhead; see [`BulkheadConfig`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct BulkheadSettings {
    /// `false` removes the part.
    pub enabled: Option<bool>,
    /// How many attempts may be under way at once.
    pub maximum_in_flight: Option<usize>,
    /// How many may wait.
    pub queue_length: Option<usize>,
    /// For how long one may wait.
    pub queue_wait: Option<Span>,
    /// How many may be under way follows what is measured, in place of `maximum_in_flight`.
    pub adaptive: Option<AdaptiveLimitSettings>,
}

/// What can be set of the balancer; see [`BalanceConfig`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct BalanceSettings {
    /// With which time constant latencies are forgotten.
    pub decay: Option<Span>,
    /// The least latency a failed call is counted with.
    pub failure_penalty: Option<Span>,
    /// A call given up after so long counts as a failure of the endpoint.
    pub unanswered_after: Option<Span>,
    /// After how many failures in a row an endpoint is ejected.
    pub consecutive_failures: Option<u32>,
    /// When an endpoint is ejected that fails more often than the others.
    pub success_rate: Option<SuccessRateSettings>,
    /// The largest share of the endpoints that is ejected at once, above 0 to 1.
    pub maximum_ejected: Option<f64>,
    /// Below which share of endpoints that are not ejected ejections are ignored, 0 to 1.
    pub panic_below: Option<f64>,
    /// For how long an endpoint is ejected.
    pub ejection: Option<EjectionSettings>,
    /// Over how long an endpoint that came back gets its full share again.
    pub slow_start: Option<Span>,
}

/// How long ejections are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct EjectionSettings {
    /// The first one.
    pub first: Span,
    /// The longest of all: each doubles until the endpoint has fully returned.
    pub maximum: Span,
}

/// When an endpoint stands out against the others; see [`SuccessRate`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SuccessRateSettings {
    /// `false` never compares them.
    pub enabled: Option<bool>,
    /// Over how long rates are counted.
    pub interval: Option<Span>,
    /// How many endpoints with enough calls a comparison needs.
    pub minimum_endpoints: Option<u32>,
    /// How many calls an endpoint needs to be compared.
    pub minimum_calls: Option<u32>,
    /// How many standard deviations below the mean a rate stands out.
    pub deviations: Option<f64>,
}

impl ClientSettings {
    /// What these settings of the client `name` say twice.
    pub(super) fn contradiction(&self, name: &str) -> Option<Mistake> {
        let path = format!("clients.{name}.breaker.window_calls");
        self.breaker.as_ref()?.contradiction(path)
    }

    pub(super) fn apply(&self, mut builder: ClientBuilder) -> ClientBuilder {
        if let Some(enabled) = self.enabled {
            builder = builder.enabled(enabled);
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
            builder = builder.balance(balance.config());
        }
        builder
    }
}

impl RetrySettings {
    fn config(&self) -> Option<RetryConfig> {
        if self.enabled == Some(false) {
            return None;
        }
        let mut config = RetryConfig::new();
        if let Some(attempts) = self.maximum_attempts {
            config = config.maximum_attempts(attempts);
        }
        if let Some(backoff) = self.backoff {
            config = config.backoff(backoff.base.0, backoff.maximum.0);
        }
        if let Some(Span(time)) = self.shortest_attempt {
            config = config.shortest_attempt(time);
        }
        if let Some(budget) = self.budget {
            config = config.budget(budget.ratio, budget.minimum_per_second);
        }
        Some(config)
    }
}

impl BreakerSettings {
    /// Puts these rules in force in a breaker that runs, see [`BreakerHandle::reconfigure`].
    /// What they leave out gets the default of a client stack; `enabled` is left to the
    /// [mode](crate::circuit_breaker::Mode) of the breaker.
    ///
    /// # Errors
    ///
    /// What they say twice, or a value that cannot be; nothing has changed then.
    pub fn put_in_force(&self, breaker: &BreakerHandle) -> Result<(), Mistake> {
        if let Some(mistake) = self.contradiction("window_calls") {
            return Err(mistake);
        }
        breaker
            .reconfigure(&self.rules())
            .map_err(|error| Mistake::in_part(&error))
    }

    fn contradiction(&self, path: impl Into<String>) -> Option<Mistake> {
        self.window_calls.zip(self.window_time)?;
        let message = "stands beside `window_time`: expected one of the two";
        Some(Mistake::new(path, message))
    }

    fn config(&self) -> Option<CircuitBreakerConfig> {
        if self.enabled == Some(false) {
            return None;
        }
        Some(self.rules())
    }

    fn rules(&self) -> CircuitBreakerConfig {
        let mut config = CircuitBreakerConfig::new().failure_rate(
            self.failure_rate
                .unwrap_or(crate::stack::BREAKER_FAILURE_RATE),
        );
        if let Some(calls) = self.minimum_calls {
            config = config.minimum_calls(calls);
        }
        if let Some(Span(time)) = self.window_time {
            config = config.window(Window::time(time));
        }
        if let Some(calls) = self.window_calls {
            config = config.window(Window::count(calls));
        }
        if let Some(slow) = self.slow_calls {
            config = config.slow_calls(slow.threshold.0, slow.rate);
        }
        if let Some(failures) = self.consecutive_failures {
            config = config.opens_by(Rule::rates().or_else(Rule::consecutive_failures(failures)));
        }
        if let Some(Limit(ramp)) = self.ramp {
            config = config.ramp(ramp);
        }
        if let Some(backoff) = self.backoff {
            config = config.full_jitter(backoff.base.0, backoff.maximum.0);
        }
        if let Some(probes) = self.probes {
            config = config.probes(probes);
        }
        if let Some(Span(deadline)) = self.half_open_deadline {
            config = config.half_open_deadline(deadline);
        }
        config
    }
}

impl BulkheadSettings {
    fn config(&self) -> Option<BulkheadConfig> {
        if self.enabled == Some(false) {
            return None;
        }
        let mut config = BulkheadConfig::default();
        if let Some(attempts) = self.maximum_in_flight {
            config.maximum_in_flight = attempts;
        }
        if let Some(length) = self.queue_length {
            config.queue_length = length;
        }
        if let Some(Span(wait)) = self.queue_wait {
            config.queue_wait = wait;
        }
        if let Some(adaptive) = &self.adaptive {
            config.adaptive = Some(adaptive.config());
        }
        Some(config)
    }
}

impl BalanceSettings {
    fn config(&self) -> BalanceConfig {
        let mut config = BalanceConfig::new();
        if let Some(Span(decay)) = self.decay {
            config = config.decay(decay);
        }
        if let Some(Span(penalty)) = self.failure_penalty {
            config = config.failure_penalty(penalty);
        }
        if let Some(Span(time)) = self.unanswered_after {
            config = config.unanswered_after(time);
        }
        if let Some(failures) = self.consecutive_failures {
            config = config.consecutive_failures(failures);
        }
        if let Some(rule) = &self.success_rate {
            config = config.success_rate(rule.rule());
        }
        if let Some(share) = self.maximum_ejected {
            config = config.maximum_ejected(share);
        }
        if let Some(share) = self.panic_below {
            config = config.panic_below(share);
        }
        if let Some(ejection) = self.ejection {
            config = config.ejection(ejection.first.0, ejection.maximum.0);
        }
        if let Some(Span(time)) = self.slow_start {
            config = config.slow_start(time);
        }
        config
    }
}

impl SuccessRateSettings {
    fn rule(&self) -> Option<SuccessRate> {
        if self.enabled == Some(false) {
            return None;
        }
        let mut rule = SuccessRate::new();
        if let Some(Span(interval)) = self.interval {
            rule = rule.interval(interval);
        }
        if let Some(endpoints) = self.minimum_endpoints {
            rule = rule.minimum_endpoints(endpoints);
        }
        if let Some(calls) = self.minimum_calls {
            rule = rule.minimum_calls(calls);
        }
        if let Some(deviations) = self.deviations {
            rule = rule.deviations(deviations);
        }
        Some(rule)
    }
}
