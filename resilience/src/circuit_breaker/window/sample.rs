//! What a call adds to a window, and what the calls in a window add up to.

/// One call that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) failure: bool,
    pub(crate) slow: bool,
}

impl Sample {
    /// Whether it speaks against the dependency.
    pub(crate) const fn is_bad(self) -> bool {
        self.failure || self.slow
    }
}

/// What the calls in a window, or in a part of it, add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    pub(crate) calls: u32,
    pub(crate) failures: u32,
    pub(crate) slow: u32,
}

impl Totals {
    pub(crate) const fn add(&mut self, sample: Sample) {
        self.calls = self.calls.saturating_add(1);
        self.failures = self.failures.saturating_add(sample.failure as u32);
        self.slow = self.slow.saturating_add(sample.slow as u32);
    }

    pub(crate) const fn remove(&mut self, expired: Self) {
        self.calls = self.calls.saturating_sub(expired.calls);
        self.failures = self.failures.saturating_sub(expired.failures);
        self.slow = self.slow.saturating_sub(expired.slow);
    }
}

impl From<Sample> for Totals {
    fn from(sample: Sample) -> Self {
        let mut totals = Self::default();
        totals.add(sample);
        totals
    }
}
