//! The numbers of the balancer.

use std::time::Duration;

use super::success_rate::SuccessRate;
use crate::config::{Checks, ConfigError};

/// How a balancer weighs, ejects and takes back endpoints.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct BalanceConfig {
    pub(super) decay: Duration,
    pub(super) failure_penalty: Duration,
    pub(super) unanswered_after: Duration,
    pub(super) consecutive_failures: Option<u32>,
    pub(super) success_rate: Option<SuccessRate>,
    pub(super) maximum_ejected: f64,
    pub(super) panic_below: f64,
    pub(super) ejection: Duration,
    pub(super) maximum_ejection: Duration,
    pub(super) slow_start: Duration,
}

impl BalanceConfig {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            decay: Duration::from_secs(1),
            failure_penalty: Duration::from_millis(250),
            unanswered_after: Duration::from_millis(250),
            consecutive_failures: Some(3),
            success_rate: Some(SuccessRate::new()),
            maximum_ejected: 0.5,
            panic_below: 0.5,
            ejection: Duration::from_secs(1),
            maximum_ejection: Duration::from_secs(10),
            slow_start: Duration::from_secs(3),
        }
    }

    /// The defaults in a stack whose attempts take this long at most: one that is given up after
    /// half of it counts.
    pub(crate) fn for_attempts(timeout: Option<Duration>) -> Self {
        let config = Self::new();
        match timeout {
            Some(timeout) => config.unanswered_after(timeout / 2),
            None => config,
        }
    }

    /// Time constant with which the latency estimate of an endpoint forgets (default 1 s).
    ///
    /// Finagle takes 10 s, with dozens of endpoints in mind: of two, one would get no call
    /// for a minute after a single slow answer.
    pub const fn decay(mut self, decay: Duration) -> Self {
        self.decay = decay;
        self
    }

    /// The least latency a failed call is counted with (default 250 ms, half of the attempt
    /// timeout of a client stack, as an answer that is given up), so that an endpoint
    /// that fails fast does not look like the quickest of all.
    pub const fn failure_penalty(mut self, penalty: Duration) -> Self {
        self.failure_penalty = penalty;
        self
    }

    /// A call given up after this long without an answer counts as a failure of the endpoint
    /// (default 250 ms; a stack takes half of its attempt timeout, so that a deadline which
    /// comes before that timeout counts too). What is cancelled earlier says nothing.
    pub const fn unanswered_after(mut self, time: Duration) -> Self {
        self.unanswered_after = time;
        self
    }

    /// After how many failures in a row an endpoint is ejected (default 3); `None` never
    /// ejects.
    ///
    /// Envoy waits for 5, with hundreds of calls a second on each endpoint in mind; here the
    /// load keeps calls away after the first failure, so that the next ones are rare.
    pub fn consecutive_failures(mut self, failures: impl Into<Option<u32>>) -> Self {
        self.consecutive_failures = failures.into();
        self
    }

    /// When an endpoint is ejected that fails more often than the others (default: as
    /// [`SuccessRate`] says, from five endpoints on); `None` never compares them.
    pub fn success_rate(mut self, rule: impl Into<Option<SuccessRate>>) -> Self {
        self.success_rate = rule.into();
        self
    }

    /// The largest share of the endpoints that is ejected at once, above 0 to 1, but always one
    /// may be (default 0.5: what the other half has to carry it mostly can).
    pub const fn maximum_ejected(mut self, share: f64) -> Self {
        self.maximum_ejected = share;
        self
    }

    /// Below which share of endpoints that are not ejected ejections are ignored, 0 to 1
    /// (default 0.5, Envoy's panic threshold): the few that are left would go down under the
    /// load of all. 0 never ignores them.
    pub const fn panic_below(mut self, share: f64) -> Self {
        self.panic_below = share;
        self
    }

    /// For how long the first ejection lasts (default 1 s, as in Linkerd) and how long one can
    /// get (default 10 s): it doubles until the endpoint has fully returned.
    pub const fn ejection(mut self, first: Duration, maximum: Duration) -> Self {
        self.ejection = first;
        self.maximum_ejection = maximum;
        self
    }

    /// Over how long an endpoint that came back gets its full share again, from a tenth of it
    /// (default 3 s, three time constants of the [decay](Self::decay): by then 95 % of what its
    /// latency was before is forgotten); zero gives it back at once.
    pub const fn slow_start(mut self, time: Duration) -> Self {
        self.slow_start = time;
        self
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let checks = Checks("balancer");
        checks.is_positive("decay", self.decay)?;
        checks.is_positive("unanswered_after", self.unanswered_after)?;
        if let Some(failures) = self.consecutive_failures {
            checks.is_at_least_one("consecutive_failures", failures)?;
        }
        if let Some(rule) = &self.success_rate {
            rule.check()?;
        }
        if !(self.maximum_ejected > 0.0 && self.maximum_ejected <= 1.0) {
            let (key, value) = ("maximum_ejected", self.maximum_ejected);
            return Err(ConfigError::new("balancer", key, value, "above 0 to 1"));
        }
        checks.is_within("panic_below", self.panic_below, 0.0, 1.0)?;
        checks.is_positive("ejection", self.ejection)?;
        checks.is_at_most("ejection", self.ejection, self.maximum_ejection)
    }
}

impl Default for BalanceConfig {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_right() {
        assert_eq!(BalanceConfig::new().check(), Ok(()));
    }

    #[test]
    fn every_mistake_is_named() {
        let second = Duration::from_secs(1);
        let config = BalanceConfig::new;
        for (mistake, key) in [
            (config().decay(Duration::ZERO), "decay"),
            (
                config().unanswered_after(Duration::ZERO),
                "unanswered_after",
            ),
            (config().consecutive_failures(0), "consecutive_failures"),
            (config().maximum_ejected(0.0), "maximum_ejected"),
            (config().panic_below(f64::NAN), "panic_below"),
            (
                config().success_rate(SuccessRate::new().deviations(0.0)),
                "success_rate deviations",
            ),
            (config().ejection(Duration::ZERO, second), "ejection"),
            (config().ejection(second * 2, second), "ejection"),
        ] {
            assert_eq!(mistake.check().unwrap_err().key(), key);
        }
    }
}
