//! What a breaker can be told.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use failsafe::FailurePolicy;
use tokio::time::Instant;

use super::half_open::ProbeRules;
use super::policy::{Policy, Thresholds};
use super::state::Machine;
use super::window::Window;
use crate::backoff::FullJitter;
use crate::config::{Checks, ConfigError};

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
    policy: Option<PolicyMaker>,
    backoff: Option<BoxBackoff>,
    probes: u32,
    half_open_deadline: Duration,
}

type PolicyMaker = Arc<dyn Fn() -> Box<dyn FailurePolicy + Send> + Send + Sync>;

#[derive(Debug, Clone, Copy)]
struct SlowCalls {
    threshold: Duration,
    rate: f64,
}

impl CircuitBreakerConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            window: Window::time(Duration::from_secs(10)),
            failure_rate: 0.5,
            slow: None,
            minimum_calls: 20,
            policy: None,
            backoff: None,
            probes: 3,
            half_open_deadline: Duration::from_secs(5),
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

    /// Lets a policy of failsafe decide instead of the window: `make` is called once for
    /// every breaker built, because such a policy has a state.
    ///
    /// The policy also says for how long the breaker opens. It sees no latency, so a slow
    /// call counts as a failure for it. One failed probe reopens. Policies of failsafe
    /// that look at the time read the clock of the standard library: paused tokio time
    /// does not reach them, though it does reach the pauses that they return.
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
    pub fn failsafe_policy<P>(mut self, make: impl Fn() -> P + Send + Sync + 'static) -> Self
    where
        P: FailurePolicy + Send + 'static,
    {
        self.policy = Some(Arc::new(move || Box::new(make())));
        self
    }

    /// How long the breaker stays open: the first element after it was closed, the next
    /// whenever probes fail, and the last one again and again when the iterator ends
    /// (default: [`FullJitter`] from 0.5 s to 5 s, at least 0.1 s, with the seed of the
    /// builder).
    pub fn backoff<B>(mut self, backoff: B) -> Self
    where
        B: Iterator<Item = Duration> + Clone + Send + 'static,
    {
        self.backoff = Some(BoxBackoff(Box::new(backoff)));
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

    /// From when on a call is slow, if slow calls count.
    pub(super) fn slow_threshold(&self) -> Option<Duration> {
        self.slow.map(|slow| slow.threshold)
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
        match self.window {
            Window::Count { calls } => {
                CHECKS.is_at_least_one("window calls", calls)?;
                if self.minimum_calls > calls {
                    let expected = format!("at most the {calls} calls of the window");
                    return Err(wrong("minimum_calls", self.minimum_calls, expected));
                }
            }
            Window::Time { span, buckets } => {
                CHECKS.is_positive("window span", span)?;
                CHECKS.is_at_least_one("window buckets", buckets)?;
            }
        }
        Ok(())
    }

    pub(super) fn machine(&self, seed: u64, now: Instant) -> Machine {
        let thresholds = Thresholds {
            failure_rate: self.failure_rate,
            slow_rate: self.slow.map(|slow| slow.rate),
            minimum_calls: self.minimum_calls,
        };
        let (policy, rules) = match &self.policy {
            Some(make) => (
                Policy::Failsafe(make()),
                ProbeRules::strict(self.probes, self.half_open_deadline),
            ),
            None => (
                Policy::window(self.window, thresholds, now),
                ProbeRules::by_rates(self.probes, self.half_open_deadline, thresholds),
            ),
        };
        let backoff = self
            .backoff
            .clone()
            .unwrap_or_else(|| default_backoff(seed));
        Machine::new(policy, rules, backoff)
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
            .field("half_open_deadline", &self.half_open_deadline)
            .finish_non_exhaustive()
    }
}

fn default_backoff(seed: u64) -> BoxBackoff {
    let base = Duration::from_millis(500);
    let maximum = Duration::from_secs(5);
    let backoff = FullJitter::new(base, maximum, seed).at_least(Duration::from_millis(100));
    BoxBackoff(Box::new(backoff))
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

/// A backoff whose type is forgotten.
pub(super) struct BoxBackoff(Box<dyn CloneBackoff>);

impl Iterator for BoxBackoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.0.next()
    }
}

impl Clone for BoxBackoff {
    fn clone(&self) -> Self {
        Self(self.0.clone_box())
    }
}

trait CloneBackoff: Iterator<Item = Duration> + Send {
    fn clone_box(&self) -> Box<dyn CloneBackoff>;
}

impl<B> CloneBackoff for B
where
    B: Iterator<Item = Duration> + Clone + Send + 'static,
{
    fn clone_box(&self) -> Box<dyn CloneBackoff> {
        Box::new(self.clone())
    }
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
