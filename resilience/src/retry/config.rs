//! The numbers of a retry.

use std::time::Duration;

use crate::config::{Checks, ConfigError};

/// When and how often a failed attempt is repeated.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct RetryConfig {
    pub(super) maximum_attempts: u32,
    pub(super) base: Duration,
    pub(super) maximum: Duration,
    pub(super) shortest_attempt: Duration,
    pub(super) budget_ratio: f64,
    pub(super) budget_minimum: u32,
}

impl RetryConfig {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            maximum_attempts: 3,
            base: Duration::from_millis(10),
            maximum: Duration::from_millis(200),
            shortest_attempt: Duration::from_millis(5),
            budget_ratio: 0.2,
            budget_minimum: 10,
        }
    }

    /// Attempts in all, the first included (default 3: with two replicas each gets one and one
    /// of them a second). Repetitions after a refused connection do not count.
    pub const fn maximum_attempts(mut self, attempts: u32) -> Self {
        self.maximum_attempts = attempts;
        self
    }

    /// The longest wait before the first repetition (default 10 ms, a few times what a call
    /// within one system takes) and before any (default 200 ms); it doubles in between. The
    /// wait itself is anything from nothing to that, see
    /// [`FullJitter`](crate::backoff::FullJitter).
    pub const fn backoff(mut self, base: Duration, maximum: Duration) -> Self {
        self.base = base;
        self.maximum = maximum;
        self
    }

    /// What an attempt needs at least (default 5 ms): with less left before the deadline after
    /// the wait, no repetition is begun.
    pub const fn shortest_attempt(mut self, time: Duration) -> Self {
        self.shortest_attempt = time;
        self
    }

    /// How many repetitions the client allows itself over ten seconds: `ratio` of its calls
    /// (default 0.2, 0 to 10, in steps of a millionth) and `minimum_per_second` for each of the
    /// seconds (default 10). Both defaults are Finagle's: a dependency that fails altogether
    /// gets a fifth more load, not three times as much.
    pub const fn budget(mut self, ratio: f64, minimum_per_second: u32) -> Self {
        self.budget_ratio = ratio;
        self.budget_minimum = minimum_per_second;
        self
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let checks = Checks("retry");
        checks.is_at_least_one("maximum_attempts", self.maximum_attempts)?;
        checks.is_at_most("backoff base", self.base, self.maximum)?;
        checks.is_within("budget ratio", self.budget_ratio, 0.0, 10.0)
    }
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_right() {
        assert_eq!(RetryConfig::new().check(), Ok(()));
    }

    #[test]
    fn every_mistake_is_named() {
        let second = Duration::from_secs(1);
        let config = RetryConfig::new;
        for (mistake, key) in [
            (config().maximum_attempts(0), "maximum_attempts"),
            (config().backoff(second * 2, second), "backoff base"),
            (config().budget(-0.1, 1), "budget ratio"),
            (config().budget(f64::NAN, 1), "budget ratio"),
        ] {
            assert_eq!(mistake.check().unwrap_err().key(), key);
        }
        let message = config().budget(11.0, 1).check().unwrap_err().to_string();
        assert_eq!(
            message,
            "`budget ratio` of the retry is 11: expected 0 to 10"
        );
    }
}
