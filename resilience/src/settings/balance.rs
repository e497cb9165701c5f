//! Settings of the balancer.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Count, Span};
use crate::balance::{BalanceConfig, SuccessRate};

/// What can be set of the balancer; see [`BalanceConfig`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct BalanceSettings {
    /// `false` removes the part: endpoints are taken in turn.
    pub enabled: Option<bool>,
    /// With which time constant latencies are forgotten (default 1 s).
    pub decay: Option<Span>,
    /// The least latency a failed call is counted with (default 250 ms).
    pub failure_penalty: Option<Span>,
    /// A call given up after so long counts as a failure of the endpoint (default:
    /// half of `attempt_timeout`).
    pub unanswered_after: Option<Span>,
    /// After how many failures in a row an endpoint is ejected (default 3), or `none`.
    pub consecutive_failures: Option<Count>,
    /// When an endpoint is ejected that fails more often than the others.
    pub success_rate: Option<SuccessRateSettings>,
    /// The largest share of the endpoints that is ejected at once, above 0 to 1 (default 0.5).
    pub maximum_ejected: Option<f64>,
    /// Below which share of endpoints that are not ejected ejections are ignored, 0 to 1
    /// (default 0.5).
    pub panic_below: Option<f64>,
    /// For how long an endpoint is ejected (default 1 s to 10 s).
    pub ejection: Option<EjectionSettings>,
    /// Over how long an endpoint that came back gets its full share again (default 3 s).
    pub slow_start: Option<Span>,
}

/// How long ejections are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SuccessRateSettings {
    /// `false` never compares them.
    pub enabled: Option<bool>,
    /// Over how long rates are counted (default 10 s).
    pub interval: Option<Span>,
    /// How many endpoints with enough calls a comparison needs.
    pub minimum_endpoints: Option<u32>,
    /// How many calls an endpoint needs to be compared.
    pub minimum_calls: Option<u32>,
    /// How many standard deviations below the mean a rate stands out.
    pub deviations: Option<f64>,
}

impl BalanceSettings {
    /// What is left out keeps its default, of which one follows from the attempt timeout.
    pub(super) fn config(&self, attempt_timeout: Option<Duration>) -> Option<BalanceConfig> {
        if self.enabled == Some(false) {
            return None;
        }
        let mut config = BalanceConfig::for_attempts(attempt_timeout);
        if let Some(Span(decay)) = self.decay {
            config = config.decay(decay);
        }
        if let Some(Span(penalty)) = self.failure_penalty {
            config = config.failure_penalty(penalty);
        }
        if let Some(Span(time)) = self.unanswered_after {
            config = config.unanswered_after(time);
        }
        if let Some(Count(failures)) = self.consecutive_failures {
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
        Some(config)
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
