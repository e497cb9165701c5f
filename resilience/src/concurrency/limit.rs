//! The numbers of an adaptive limit.

use std::time::Duration;

use crate::config::{Checks, ConfigError};

/// A limit that follows what is measured. It begins at its least value times four, or at the
/// most it may become if that is less.
#[derive(Debug, Clone, Copy, PartialEq)]
#[must_use]
pub struct AdaptiveLimit {
    pub(super) rule: Rule,
    pub(super) minimum: usize,
    pub(super) maximum: usize,
    pub(super) window: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Rule {
    Gradient { remeasure_every: Duration },
    Aimd { latency: Duration },
}

impl AdaptiveLimit {
    /// As many calls at once as the dependency works on without a queue: see the
    /// [module](super).
    pub const fn gradient() -> Self {
        Self::new(Rule::Gradient {
            remeasure_every: Duration::from_secs(30),
        })
    }

    /// As many calls at once as take less than `latency` on average.
    pub const fn aimd(latency: Duration) -> Self {
        Self::new(Rule::Aimd { latency })
    }

    const fn new(rule: Rule) -> Self {
        Self {
            rule,
            minimum: 4,
            maximum: 1_000,
            window: Duration::from_millis(100),
        }
    }

    /// Between which numbers it stays (default 4 and 1,000).
    pub const fn bounds(mut self, minimum: usize, maximum: usize) -> Self {
        self.minimum = minimum;
        self.maximum = maximum;
        self
    }

    /// The bounds as they are now.
    #[cfg(feature = "settings")]
    pub(crate) const fn present_bounds(&self) -> (usize, usize) {
        (self.minimum, self.maximum)
    }

    /// For how long calls are measured before the limit moves (default 100 ms, or ten calls
    /// where those take longer to come).
    pub const fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// How often the gradient measures anew how long calls take without a queue (default 30 s);
    /// it costs half of the limit for the length of a window.
    pub const fn remeasure_every(mut self, time: Duration) -> Self {
        if let Rule::Gradient { remeasure_every } = &mut self.rule {
            *remeasure_every = time;
        }
        self
    }

    /// The most it may become.
    pub const fn maximum(&self) -> usize {
        self.maximum
    }

    pub(super) const fn start(&self) -> usize {
        let start = self.minimum.saturating_mul(4);
        if start < self.maximum {
            start
        } else {
            self.maximum
        }
    }

    pub(crate) fn check(&self, part: &'static str) -> Result<(), ConfigError> {
        if self.minimum == 0 || self.maximum < self.minimum {
            let found = format!("{} to {}", self.minimum, self.maximum);
            let expected = "a least number of 1 or more, and a most of no less than that";
            return Err(ConfigError::new(part, "bounds", found, expected));
        }
        let checks = Checks(part);
        checks.is_positive("window", self.window)?;
        match self.rule {
            Rule::Gradient { remeasure_every } => {
                checks.is_at_most("window", self.window, remeasure_every)
            }
            Rule::Aimd { latency } => checks.is_positive("latency", latency),
        }
    }
}
