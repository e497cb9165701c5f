//! What a breaker can be told.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use failsafe::FailurePolicy;
use tokio::time::Instant;

use super::backoff::{Backoff, BoxBackoff};
use super::consecutive::Consecutive;
use super::half_open::ProbeRules;
use super::rule::Rule;
use super::rules::{Rates, Rules};
use super::state::MachineRules;
use super::thresholds::Thresholds;
use super::window::{MAXIMUM_BUCKETS, MAXIMUM_CALLS, Window};
use crate::config::{Checks, ConfigError};

/// Over how long rates are computed where nothing else is said, as in Hystrix.
pub(crate) const DEFAULT_SPAN: Duration = Duration::from_secs(10);

/// The rules of a circuit breaker, without its name.
///
/// The defaults are those of Hystrix where it has them: half of at least 20 calls within
/// 10 s must fail. Slow calls do not count. The breaker stays open for 0.1 s to 0.5 s at
/// first and for up to 5 s (the break of Polly 8) when probes keep failing; three probes
/// decide, and probes that hang for 5 s count as failed.
#[derive(Clone)]
#[must_use]
pub struct CircuitBreakerConfig {
    window: Window,
    failure_rate: f64,
    slow: Option<SlowCalls>,
    minimum_calls: u32,
    rule: Rule,
    stalled_after: Option<Duration>,
    backoff: Backoff,
    probes: u32,
    half_open_deadline: Duration,
    ramp: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
struct SlowCalls {
    threshold: Duration,
    rate: f64,
}

/// See [`CircuitBreakerConfig::stalled_after`].
const STALLED_AFTER: Duration = Duration::from_secs(20);

impl CircuitBreakerConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            window: Window::time(DEFAULT_SPAN),
            failure_rate: 0.5,
            slow: None,
            minimum_calls: 20,
            rule: Rule::rates(),
            stalled_after: Some(STALLED_AFTER),
            backoff: Backoff::DEFAULT,
            probes: 3,
            half_open_deadline: Duration::from_secs(5),
            ramp: None,
        }
    }

    /// Over what the rates are computed (default: 10 s in ten buckets).
    pub const fn window(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// The share of failures, above 0 to 1, at which the breaker opens (default 0.5).
    pub const fn failure_rate(mut self, rate: f64) -> Self {
        self.failure_rate = rate;
        self
    }

    /// Calls that take `threshold` or longer are slow, and a share of `rate`, above 0 to 1,
    /// of them opens the breaker, whether they succeed or not (default: off).
    ///
    /// A cancelled call that had outlived `threshold` counts as slow, too.
    pub const fn slow_calls(mut self, threshold: Duration, rate: f64) -> Self {
        self.slow = Some(SlowCalls { threshold, rate });
        self
    }

    /// Below so many calls in the window the breaker stays closed (default 20). A good call may
    /// reach the minimum, but only a failed or slow one opens.
    pub const fn minimum_calls(mut self, calls: u32) -> Self {
        self.minimum_calls = calls;
        self
    }

    /// What opens the breaker (default: [`Rule::rates`]). Where rates do not take part, one
    /// failed or slow probe reopens.
    pub fn opens_by(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    /// Opens after so many failures in a row instead of by rates: see
    /// [`Rule::consecutive_failures`].
    pub fn consecutive_failures(self, failures: u32) -> Self {
        self.opens_by(Rule::consecutive_failures(failures))
    }

    /// Lets a policy of failsafe decide instead of the rates: see [`Rule::failsafe`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use failsafe::{backoff, failure_policy};
    /// use resilience::circuit_breaker::CircuitBreakerConfig;
    ///
    /// let config = CircuitBreakerConfig::new().failsafe_policy(|| {
    ///     failure_policy::consecutive_failures(5, backoff::constant(Duration::from_secs(2)))
    /// });
    /// # let _ = config;
    /// ```
    pub fn failsafe_policy<P>(self, make: impl Fn() -> P + Send + Sync + 'static) -> Self
    where
        P: FailurePolicy + Send + 'static,
    {
        self.opens_by(Rule::failsafe(make))
    }

    /// When nothing of a body has come for so long although its reader waits, the call has failed
    /// (default 20 s; `None`: never). It matters where the breaker
    /// [tracks bodies](super::CircuitBreakerBuilder::track_bodies), as it does in a client stack.
    ///
    /// 20 s is a little more than the 15 s in which the standard of server-sent events has a quiet
    /// stream send a comment (WHATWG HTML, 9.2.7). A reader that gives up earlier says nothing
    /// about the dependency, unless [slow calls](Self::slow_calls) count.
    pub fn stalled_after(mut self, silence: impl Into<Option<Duration>>) -> Self {
        self.stalled_after = silence.into();
        self
    }

    /// How long the breaker stays open: the first element after it was closed, the next
    /// whenever probes fail, and the last one again and again when the iterator ends
    /// (default: [full jitter](Self::full_jitter) from 0.5 s to 5 s).
    pub fn backoff<B>(mut self, backoff: B) -> Self
    where
        B: Iterator<Item = Duration> + Clone + Send + 'static,
    {
        self.backoff = Backoff::Given(BoxBackoff::new(backoff));
        self
    }

    /// The same with [full jitter](crate::backoff::FullJitter) from `base` to `maximum`, at least
    /// a fifth of `base`, and with the seed of the builder.
    pub fn full_jitter(mut self, base: Duration, maximum: Duration) -> Self {
        self.backoff = Backoff::FullJitter { base, maximum };
        self
    }

    /// The same, made from the seed of the builder, so that its jitter can be replayed.
    pub fn seeded_backoff<B>(mut self, make: impl Fn(u64) -> B + Send + Sync + 'static) -> Self
    where
        B: Iterator<Item = Duration> + Clone + Send + 'static,
    {
        let make = move |seed| BoxBackoff::new(make(seed));
        self.backoff = Backoff::Seeded(Arc::new(make));
        self
    }

    /// How many outcomes of probes decide in half-open; no more calls than that are
    /// admitted (default 3).
    pub const fn probes(mut self, probes: u32) -> Self {
        self.probes = probes;
        self
    }

    /// After how long without an outcome hanging probes reopen the breaker (default 5 s).
    pub const fn half_open_deadline(mut self, deadline: Duration) -> Self {
        self.half_open_deadline = deadline;
        self
    }

    /// Over how long the admitted share of calls grows from a tenth to all of them after good
    /// probes; failures on the way reopen (default: none, all calls pass at once). `None` takes
    /// the ramp out again.
    pub fn ramp(mut self, duration: impl Into<Option<Duration>>) -> Self {
        self.ramp = duration.into();
        self
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        is_share("failure_rate", self.failure_rate)?;
        if let Some(slow) = self.slow {
            is_share("slow_calls rate", slow.rate)?;
            CHECKS.is_positive("slow_calls threshold", slow.threshold)?;
        }
        CHECKS.is_positive("half_open_deadline", self.half_open_deadline)?;
        CHECKS.is_at_least_one("minimum_calls", self.minimum_calls)?;
        CHECKS.is_at_least_one("probes", self.probes)?;
        if let Some(ramp) = self.ramp {
            CHECKS.is_positive("ramp", ramp)?;
        }
        if let Some(silence) = self.stalled_after {
            CHECKS.is_positive("stalled_after", silence)?;
        }
        if let Some(failures) = self.rule.consecutive {
            CHECKS.is_at_least_one("consecutive_failures", failures)?;
        }
        if self.rule.rates {
            return self.check_window();
        }
        Ok(())
    }

    fn check_window(&self) -> Result<(), ConfigError> {
        match self.window {
            Window::Count { calls } => {
                CHECKS.is_at_least_one("window calls", calls)?;
                is_at_most("window calls", calls, MAXIMUM_CALLS)?;
                if self.minimum_calls > calls {
                    let expected = format!("at most the {calls} calls of the window");
                    return Err(wrong("minimum_calls", self.minimum_calls, expected));
                }
                Ok(())
            }
            Window::Time { span, buckets } => {
                CHECKS.is_positive("window span", span)?;
                CHECKS.is_at_least_one("window buckets", buckets)?;
                is_at_most("window buckets", buckets, MAXIMUM_BUCKETS)
            }
        }
    }

    /// How calls are counted from this generation on, beginning with what the rules before have
    /// counted.
    pub(super) fn rules(&self, before: Option<&Rules>, generation: u32, now: Instant) -> Rules {
        let rates_before = before.and_then(|before| before.rates.as_ref());
        let rates = || Rates::new(self.window, self.thresholds(), rates_before, now);
        let run_before = before.and_then(|before| before.consecutive.as_ref());
        let consecutive = |limit| match run_before {
            Some(before) => Consecutive::resumed(limit, generation, before),
            None => Consecutive::new(limit),
        };
        Rules {
            version: before.map_or(0, |before| before.version.wrapping_add(1)),
            slow_threshold: self.slow.map(|slow| slow.threshold),
            stalled_after: self.stalled_after,
            rates: self.rule.rates.then(rates),
            consecutive: self.rule.consecutive.map(consecutive),
            asks_failsafe: !self.rule.failsafe.is_empty(),
        }
    }

    pub(super) fn machine_rules(&self, seed: u64) -> MachineRules {
        let probes = if self.rule.rates {
            let (deadline, thresholds) = (self.half_open_deadline, self.thresholds());
            ProbeRules::by_rates(self.probes, deadline, self.window, thresholds)
        } else {
            ProbeRules::strict(self.probes, self.half_open_deadline)
        };
        MachineRules {
            probes,
            ramp: self.ramp,
            pauses: self.backoff.pauses(seed),
            policies: self.rule.policies(),
        }
    }

    fn thresholds(&self) -> Thresholds {
        Thresholds {
            failure_rate: self.failure_rate,
            slow_rate: self.slow.map(|slow| slow.rate),
            minimum_calls: self.minimum_calls,
        }
    }
}

impl Default for CircuitBreakerConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CircuitBreakerConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CircuitBreakerConfig")
            .field("window", &self.window)
            .field("failure_rate", &self.failure_rate)
            .field("slow", &self.slow)
            .field("minimum_calls", &self.minimum_calls)
            .field("probes", &self.probes)
            .field("stalled_after", &self.stalled_after)
            .field("half_open_deadline", &self.half_open_deadline)
            .field("ramp", &self.ramp)
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}

const PART: &str = "circuit breaker";
const CHECKS: Checks = Checks(PART);

fn wrong(key: &'static str, value: impl fmt::Display, expected: impl Into<String>) -> ConfigError {
    ConfigError::new(PART, key, value, expected)
}

fn is_share(key: &'static str, value: f64) -> Result<(), ConfigError> {
    if value > 0.0 && value <= 1.0 {
        return Ok(());
    }
    Err(wrong(key, value, "a share above 0 and at most 1"))
}

fn is_at_most(key: &'static str, value: u32, maximum: u32) -> Result<(), ConfigError> {
    if value <= maximum {
        return Ok(());
    }
    Err(wrong(key, value, format!("at most {maximum}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(config: &CircuitBreakerConfig) -> String {
        config.check().unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_are_right() {
        CircuitBreakerConfig::new().check().unwrap();
    }

    #[test]
    fn every_mistake_names_its_key_its_value_and_what_would_be_right() {
        let config = CircuitBreakerConfig::new;
        assert_eq!(
            message(&config().failure_rate(1.4)),
            "`failure_rate` of the circuit breaker is 1.4: expected a share above 0 and at most 1"
        );
        for (mistake, key) in [
            (config().failure_rate(f64::NAN), "failure_rate"),
            (config().failure_rate(0.0), "failure_rate"),
            (
                config().slow_calls(Duration::from_secs(1), 2.0),
                "slow_calls rate",
            ),
            (
                config().slow_calls(Duration::ZERO, 0.5),
                "slow_calls threshold",
            ),
            (config().minimum_calls(0), "minimum_calls"),
            (config().window(Window::count(10)), "minimum_calls"),
            (config().window(Window::count(0)), "window calls"),
            (config().window(Window::time(Duration::ZERO)), "window span"),
            (config().window(Window::count(1_000_001)), "window calls"),
            (config().consecutive_failures(0), "consecutive_failures"),
            (config().ramp(Duration::ZERO), "ramp"),
            (config().probes(0), "probes"),
            (
                config().half_open_deadline(Duration::ZERO),
                "half_open_deadline",
            ),
        ] {
            assert!(message(&mistake).starts_with(&format!("`{key}`")), "{key}");
        }
    }
}
