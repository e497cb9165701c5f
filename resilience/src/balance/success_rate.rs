//! Endpoints that fail more often than the others, without failing several times in a row.

use std::time::Duration;

use super::load::Micros;
use crate::config::{Checks, ConfigError};

/// When an endpoint stands out against the group.
///
/// The defaults, the formula and the reason for them are Envoy's outlier detection: every 10 s
/// the success rates of endpoints with at least 100 calls are compared, if there are at least 5
/// of them; whose rate is below `mean − 1.9 · standard deviation` is ejected.
#[derive(Debug, Clone, Copy, PartialEq)]
#[must_use]
pub struct SuccessRate {
    pub(super) interval: Duration,
    minimum_endpoints: u32,
    minimum_calls: u32,
    deviations: f64,
}

impl SuccessRate {
    /// Envoy's numbers.
    pub const fn new() -> Self {
        Self {
            interval: Duration::from_secs(10),
            minimum_endpoints: 5,
            minimum_calls: 100,
            deviations: 1.9,
        }
    }

    /// Over how long rates are counted before they are compared (default 10 s).
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How many endpoints with enough calls a comparison needs (default 5, at least 2).
    pub const fn minimum_endpoints(mut self, endpoints: u32) -> Self {
        self.minimum_endpoints = endpoints;
        self
    }

    /// How many calls within the interval an endpoint needs to be compared (default 100).
    pub const fn minimum_calls(mut self, calls: u32) -> Self {
        self.minimum_calls = calls;
        self
    }

    /// How many standard deviations below the mean a rate stands out (default 1.9).
    pub const fn deviations(mut self, deviations: f64) -> Self {
        self.deviations = deviations;
        self
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let checks = Checks("balancer");
        checks.is_positive("success_rate interval", self.interval)?;
        checks.is_at_least_one("success_rate minimum_calls", self.minimum_calls)?;
        if self.minimum_endpoints < 2 {
            let value = self.minimum_endpoints;
            let key = "success_rate minimum_endpoints";
            return Err(ConfigError::new("balancer", key, value, "at least 2"));
        }
        checks.is_within("success_rate deviations", self.deviations, 0.1, 10.0)
    }

    /// Which of these counts stand out, by their place, the worst first.
    pub(super) fn outliers(&self, counts: &[Counts]) -> Vec<usize> {
        let rated: Vec<(usize, f64)> = counts
            .iter()
            .enumerate()
            .filter(|(_, counts)| counts.calls >= self.minimum_calls)
            .map(|(index, counts)| (index, counts.rate()))
            .collect();
        if rated.len() < self.minimum_endpoints as usize {
            return Vec::new();
        }
        let size = rated.len() as f64;
        let mean = rated.iter().map(|(_, rate)| rate).sum::<f64>() / size;
        let squares = rated.iter().map(|(_, rate)| (rate - mean).powi(2));
        let deviation = (squares.sum::<f64>() / size).sqrt();
        let limit = mean - self.deviations * deviation;
        let mut outliers: Vec<_> = rated
            .into_iter()
            .filter(|(_, rate)| *rate < limit)
            .collect();
        outliers.sort_by(|(_, one), (_, other)| one.total_cmp(other));
        outliers.into_iter().map(|(index, _)| index).collect()
    }
}

impl Default for SuccessRate {
    fn default() -> Self {
        Self::new()
    }
}

/// What one endpoint did since rates were compared last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) calls: u32,
    pub(super) successes: u32,
}

impl Counts {
    pub(super) const fn add(&mut self, is_success: bool) {
        self.calls = self.calls.saturating_add(1);
        self.successes = self.successes.saturating_add(is_success as u32);
    }

    fn rate(self) -> f64 {
        f64::from(self.successes) / f64::from(self.calls.max(1))
    }
}

/// When rates are compared next.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Schedule {
    next: Option<Micros>,
}

impl Schedule {
    /// Whether an interval is over; the first call begins the first one.
    pub(super) fn is_due(&mut self, now: Micros, interval: Micros) -> bool {
        let next = *self.next.get_or_insert(now.saturating_add(interval));
        if now < next {
            return false;
        }
        self.next = Some(now.saturating_add(interval));
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts(successes: u32) -> Counts {
        Counts {
            calls: 100,
            successes,
        }
    }

    #[test]
    fn one_that_stands_out_among_five_is_found() {
        let rule = SuccessRate::new();
        let all = [99, 98, 60, 100, 99].map(counts);
        assert_eq!(rule.outliers(&all), [2]);
        assert!(rule.outliers(&all[..4]).is_empty());
        let all_alike = [70, 70, 70, 70, 70].map(counts);
        assert!(rule.outliers(&all_alike).is_empty());
    }

    #[test]
    fn who_had_few_calls_is_not_compared() {
        let few = Counts {
            calls: 99,
            successes: 0,
        };
        let all = [counts(99), counts(98), few, counts(100), counts(99)];
        assert!(SuccessRate::new().outliers(&all).is_empty());
    }

    proptest! {
        /// Of the same group, each limit is reached by who is below it and by nobody else.
        #[test]
        fn agrees_with_a_naive_reference(
            group in prop::collection::vec((0_u32..300, 0_u32..300), 0..12),
            deviations in 0.5_f64..3.0,
        ) {
            let all: Vec<Counts> = group
                .iter()
                .map(|(one, other)| Counts { calls: *one.max(other), successes: *one.min(other) })
                .collect();
            let rule = SuccessRate::new().deviations(deviations);
            let found = rule.outliers(&all);
            let rates: Vec<f64> = all
                .iter()
                .filter(|counts| counts.calls >= 100)
                .map(|counts| f64::from(counts.successes) / f64::from(counts.calls))
                .collect();
            let n = rates.len() as f64;
            let mean = rates.iter().sum::<f64>() / n;
            let variance = rates.iter().map(|rate| rate * rate).sum::<f64>() / n - mean * mean;
            let limit = mean - deviations * variance.max(0.0).sqrt();
            for (index, counts) in all.iter().enumerate() {
                let rate = f64::from(counts.successes) / f64::from(counts.calls.max(1));
                if (rate - limit).abs() < 1e-6 {
                    continue;
                }
                let expected = rates.len() >= 5 && counts.calls >= 100 && rate < limit;
                prop_assert_eq!(found.contains(&index), expected);
            }
        }
    }
}
