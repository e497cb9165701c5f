//! Settings of circuit breakers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::retry::BackoffSettings;
use super::{Limit, Mistake, Span};
use crate::circuit_breaker::keyed::{KeyedBreakers, KeyedCircuitBreakerBuilder};
use crate::circuit_breaker::{BreakerHandle, CircuitBreakerConfig, DEFAULT_SPAN, Rule, Window};
use crate::config::ConfigError;

/// What can be set of the breaker; see [`CircuitBreakerConfig`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct BreakerSettings {
    /// `false` removes the part.
    pub enabled: Option<bool>,
    /// The share of failures at which it opens, above 0 to 1 (default 0.6).
    pub failure_rate: Option<f64>,
    /// Below so many calls it stays closed (default 20).
    pub minimum_calls: Option<u32>,
    /// The rates are those of so many calls; not together with `window_time`.
    pub window_calls: Option<u32>,
    /// The rates are those of so much time (default 10 s).
    pub window_time: Option<Span>,
    /// In how many steps that time is forgotten (default 10).
    pub window_buckets: Option<u32>,
    /// Which calls are slow, and how many of them open it (default: none is slow).
    pub slow_calls: Option<SlowCallSettings>,
    /// So many failures in a row open it, too (default: any number does not).
    pub consecutive_failures: Option<u32>,
    /// Over how long the admitted share grows after good probes, or `none` (the
    /// default).
    pub ramp: Option<Limit>,
    /// After how long without a part of a body a call has failed whose reader waits (default
    /// 20 s), or `none`.
    pub stalled_after: Option<Limit>,
    /// For how long it stays open (default: with jitter, 0.5 s to 5 s).
    pub backoff: Option<BackoffSettings>,
    /// How many outcomes of probes decide (default 3).
    pub probes: Option<u32>,
    /// After how long hanging probes reopen it (default 5 s).
    pub half_open_deadline: Option<Span>,
}

/// Which calls are slow, and how many of them are too many.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SlowCallSettings {
    /// Calls that take as long as this or longer are slow.
    pub threshold: Span,
    /// The share of them at which the breaker opens, above 0 to 1.
    pub rate: f64,
}

/// What can be set of breakers of which each key has one; see
/// [`keyed`](crate::circuit_breaker::keyed).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct KeyedBreakerSettings {
    /// How many keys have a breaker of their own at most (default 100).
    pub maximum_keys: Option<u32>,
    /// The rules of each of them.
    pub rules: BreakerSettings,
}

impl KeyedBreakerSettings {
    pub(super) fn apply<K, C, T, E>(
        &self,
        mut builder: KeyedCircuitBreakerBuilder<K, C, T, E>,
    ) -> KeyedCircuitBreakerBuilder<K, C, T, E> {
        builder = builder.config(self.rules.rules());
        match self.maximum_keys {
            Some(maximum) => builder.maximum_keys(maximum),
            None => builder,
        }
    }

    /// Puts these rules in force for breakers of keys that run and for those that come later, see
    /// [`KeyedBreakers::reconfigure`]. What they leave out gets the default of a client stack.
    ///
    /// # Errors
    ///
    /// What they say twice, a value that cannot be, or another number of keys than there are
    /// places; nothing has changed then.
    pub fn put_in_force(&self, breakers: &KeyedBreakers) -> Result<(), Mistake> {
        let places = breakers.maximum_keys();
        if let Some(wished) = self.maximum_keys
            && wished as usize != places
        {
            let message = format!("is {wished}: expected the {places} that they were built with");
            return Err(Mistake::new("maximum_keys", message));
        }
        self.rules
            .put_in_force_for_keys(breakers)
            .map_err(|mistake| mistake.at("rules."))
    }

    /// What cannot be said here, or is said twice.
    pub(super) fn contradiction(&self) -> Option<Mistake> {
        let mistake = self.rules.switch().or_else(|| self.rules.contradiction());
        mistake.map(|mistake| mistake.at("rules."))
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
        self.reconfigure(|rules| breaker.reconfigure(rules))
    }

    /// The same for the breakers of all keys.
    pub(crate) fn put_in_force_for_keys(&self, breakers: &KeyedBreakers) -> Result<(), Mistake> {
        if let Some(mistake) = self.switch() {
            return Err(mistake);
        }
        self.reconfigure(|rules| breakers.reconfigure(rules))
    }

    fn reconfigure(
        &self,
        reconfigure: impl FnOnce(&CircuitBreakerConfig) -> Result<(), ConfigError>,
    ) -> Result<(), Mistake> {
        if let Some(mistake) = self.contradiction() {
            return Err(mistake);
        }
        reconfigure(&self.rules()).map_err(|error| Mistake::in_part(&error))
    }

    /// The key that takes a part out of a stack, where there is no stack.
    pub(crate) fn switch(&self) -> Option<Mistake> {
        self.enabled?;
        let expected = "a breaker is switched off and on by its mode: expected no such key";
        Some(Mistake::new("enabled", expected))
    }

    /// What they say twice.
    pub(super) fn contradiction(&self) -> Option<Mistake> {
        self.window_calls?;
        let other = match (self.window_time, self.window_buckets) {
            (Some(_), _) => "window_time",
            (None, Some(_)) => "window_buckets",
            (None, None) => return None,
        };
        Some(Mistake::beside("window_calls", other))
    }

    pub(super) fn config(&self) -> Option<CircuitBreakerConfig> {
        if self.enabled == Some(false) {
            return None;
        }
        Some(self.rules())
    }

    fn window_of_time(&self) -> Option<Window> {
        let span = self.window_time.map(Duration::from);
        match (span, self.window_buckets) {
            (None, None) => None,
            (Some(span), None) => Some(Window::time(span)),
            (span, Some(buckets)) => Some(Window::Time {
                span: span.unwrap_or(DEFAULT_SPAN),
                buckets,
            }),
        }
    }

    fn rules(&self) -> CircuitBreakerConfig {
        let mut config = CircuitBreakerConfig::new().failure_rate(
            self.failure_rate
                .unwrap_or(crate::stack::BREAKER_FAILURE_RATE),
        );
        if let Some(calls) = self.minimum_calls {
            config = config.minimum_calls(calls);
        }
        if let Some(window) = self.window_of_time() {
            config = config.window(window);
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
        if let Some(Limit(silence)) = self.stalled_after {
            config = config.stalled_after(silence);
        }
        if let Some(backoff) = self.backoff {
            config = config.seeded_backoff(move |seed| backoff.waits(seed));
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
