//! Settings of repetitions.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Span, Status};
use crate::backoff::{Decorrelated, Exponential, FullJitter, Linear};
use crate::retry::RetryConfig;

/// What can be set of the repetitions; see [`RetryConfig`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RetrySettings {
    /// `false` removes the part.
    pub enabled: Option<bool>,
    /// Attempts in all, the first included (default 3).
    pub maximum_attempts: Option<u32>,
    /// The waits between attempts (default: with jitter, 10 ms to 200 ms).
    pub backoff: Option<BackoffSettings>,
    /// The longest `Retry-After` that is waited for where no deadline says it (default 30 s).
    pub longest_wait: Option<Span>,
    /// Which statuses are repeated (default: those that count as failures).
    pub statuses: Option<Vec<Status>>,
    /// What an attempt needs at least (default 5 ms).
    pub shortest_attempt: Option<Span>,
    /// How many repetitions the client allows itself (default: a fifth of its calls and ten a
    /// second).
    pub budget: Option<BudgetSettings>,
}

/// How long to wait, again and again; see [`backoff`](crate::backoff).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BackoffSettings {
    /// How waits grow (default: `full-jitter`).
    #[serde(default)]
    pub kind: BackoffKind,
    /// The longest first wait.
    pub base: Span,
    /// The longest wait of all.
    pub maximum: Span,
}

/// How waits grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum BackoffKind {
    /// Anything from nothing to a bound that doubles.
    #[default]
    FullJitter,
    /// Anything from the base to three times the last wait.
    Decorrelated,
    /// They double, without jitter.
    Exponential,
    /// Each is longer than the last by the base, without jitter.
    Linear,
}

impl BackoffSettings {
    pub(super) fn waits(self, seed: u64) -> Waits {
        let (Span(base), Span(maximum)) = (self.base, self.maximum);
        match self.kind {
            BackoffKind::FullJitter => Waits::FullJitter(FullJitter::new(base, maximum, seed)),
            BackoffKind::Decorrelated => {
                Waits::Decorrelated(Decorrelated::new(base, maximum, seed))
            }
            BackoffKind::Exponential => Waits::Exponential(Exponential::new(base, maximum)),
            BackoffKind::Linear => Waits::Linear(Linear::new(base, base, maximum)),
        }
    }
}

/// Any of the four, as one type.
#[derive(Debug, Clone)]
pub(super) enum Waits {
    FullJitter(FullJitter),
    Decorrelated(Decorrelated),
    Exponential(Exponential),
    Linear(Linear),
}

impl Iterator for Waits {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        match self {
            Self::FullJitter(waits) => waits.next(),
            Self::Decorrelated(waits) => waits.next(),
            Self::Exponential(waits) => waits.next(),
            Self::Linear(waits) => waits.next(),
        }
    }
}

/// A budget of repetitions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BudgetSettings {
    /// Repetitions per call.
    pub ratio: f64,
    /// Repetitions per second that are always allowed.
    pub minimum_per_second: u32,
}

impl RetrySettings {
    pub(super) fn config(&self) -> Option<RetryConfig> {
        if self.enabled == Some(false) {
            return None;
        }
        let mut config = RetryConfig::new();
        if let Some(attempts) = self.maximum_attempts {
            config = config.maximum_attempts(attempts);
        }
        if let Some(backoff) = self.backoff {
            // What is checked are the bounds, whatever fills them.
            config = config.backoff(backoff.base.0, backoff.maximum.0);
            if backoff.kind != BackoffKind::FullJitter {
                config = config.seeded_waits(move |seed| backoff.waits(seed));
            }
        }
        if let Some(Span(wait)) = self.longest_wait {
            config = config.longest_wait(wait);
        }
        if let Some(statuses) = &self.statuses {
            config = config.statuses(statuses.iter().map(|Status(status)| *status));
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
