//! The numbers of a retry.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::backoff::FullJitter;
use crate::config::{Checks, ConfigError};

/// The waits of one call.
pub(super) type Waits = Box<dyn Iterator<Item = Duration> + Send>;

type MakeWaits = Arc<dyn Fn(u64) -> Waits + Send + Sync>;
type IsRepeatable = Arc<dyn Fn(&(dyn Error + 'static)) -> bool + Send + Sync>;

/// When and how often a failed attempt is repeated.
#[derive(Clone)]
#[must_use]
pub struct RetryConfig {
    pub(super) maximum_attempts: u32,
    base: Duration,
    maximum: Duration,
    waits: Option<MakeWaits>,
    pub(super) longest_wait: Duration,
    pub(super) shortest_attempt: Duration,
    pub(super) statuses: Option<Vec<StatusCode>>,
    errors: Option<IsRepeatable>,
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
            waits: None,
            longest_wait: Duration::from_secs(30),
            shortest_attempt: Duration::from_millis(5),
            statuses: None,
            errors: None,
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

    /// Other waits than those of [`backoff`](Self::backoff): each call begins a clone of `waits`,
    /// and waits no more when that ends. Policies of failsafe come as such iterators.
    pub fn waits<W>(self, waits: W) -> Self
    where
        W: Iterator<Item = Duration> + Clone + Send + Sync + 'static,
    {
        self.seeded_waits(move |_| waits.clone())
    }

    /// Other waits than those of [`backoff`](Self::backoff), made for each call from a seed of
    /// its own:
    ///
    /// ```
    /// use std::time::Duration;
    /// use resilience::backoff::Decorrelated;
    /// use resilience::retry::RetryConfig;
    ///
    /// let (base, maximum) = (Duration::from_millis(20), Duration::from_secs(1));
    /// let config = RetryConfig::new()
    ///     .seeded_waits(move |seed| Decorrelated::new(base, maximum, seed));
    /// # let _ = config;
    /// ```
    pub fn seeded_waits<W>(mut self, make: impl Fn(u64) -> W + Send + Sync + 'static) -> Self
    where
        W: Iterator<Item = Duration> + Send + 'static,
    {
        self.waits = Some(Arc::new(move |seed| Box::new(make(seed))));
        self
    }

    /// The longest `Retry-After` that is waited for where no deadline says it (default 30 s).
    /// A failed answer that asks for a longer wait than this, or than the deadline leaves, is
    /// what the caller gets.
    pub const fn longest_wait(mut self, wait: Duration) -> Self {
        self.longest_wait = wait;
        self
    }

    /// Which statuses are repeated (default: those that count as failures). Others are what the
    /// caller gets, failures or not.
    pub fn statuses(mut self, statuses: impl IntoIterator<Item = StatusCode>) -> Self {
        self.statuses = Some(statuses.into_iter().collect());
        self
    }

    /// Which errors are repeated (default: all that count as failures). The function sees the
    /// error itself and finds its causes along the chain of sources. A refused connection is
    /// repeated in any case.
    pub fn errors(
        mut self,
        is_repeatable: impl Fn(&(dyn Error + 'static)) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.errors = Some(Arc::new(is_repeatable));
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

    pub(super) fn waits_from(&self, seed: u64) -> Waits {
        match &self.waits {
            Some(make) => make(seed),
            None => Box::new(FullJitter::new(self.base, self.maximum, seed)),
        }
    }

    pub(super) fn repeats_error(&self, error: &(dyn Error + 'static)) -> bool {
        self.errors
            .as_ref()
            .is_none_or(|is_repeatable| is_repeatable(error))
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let checks = Checks("retry");
        checks.is_at_least_one("maximum_attempts", self.maximum_attempts)?;
        checks.is_at_most("backoff base", self.base, self.maximum)?;
        checks.is_within("budget ratio", self.budget_ratio, 0.0, 10.0)
    }
}

impl fmt::Debug for RetryConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RetryConfig")
            .field("maximum_attempts", &self.maximum_attempts)
            .field("base", &self.base)
            .field("maximum", &self.maximum)
            .field("longest_wait", &self.longest_wait)
            .field("shortest_attempt", &self.shortest_attempt)
            .field("statuses", &self.statuses)
            .field("budget_ratio", &self.budget_ratio)
            .field("budget_minimum", &self.budget_minimum)
            .finish_non_exhaustive()
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
