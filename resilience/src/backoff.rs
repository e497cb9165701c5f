//! How long to wait before the next try: of a retry, or of a breaker that probes.
//!
//! A backoff is any `Iterator<Item = Duration> + Clone`, as in [`failsafe::backoff`];
//! a clone of it that was never advanced starts the next episode from the beginning.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Exponential growth with full jitter: the `n`-th wait is drawn evenly from
/// 0 to `min(maximum, base · 2ⁿ)`.
///
/// Full jitter spreads clients that failed together further apart than any other kind
/// (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
///
/// ```
/// use std::time::Duration;
/// use resilience::backoff::FullJitter;
///
/// let backoff = FullJitter::new(Duration::from_millis(100), Duration::from_secs(2), 7);
/// let waits: Vec<_> = backoff.clone().take(10).collect();
/// assert!(waits[0] <= Duration::from_millis(100));
/// assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(2)));
/// assert_eq!(waits, backoff.take(10).collect::<Vec<_>>());
/// ```
#[derive(Debug, Clone)]
pub struct FullJitter {
    bound: Duration,
    minimum: Duration,
    maximum: Duration,
    random: ChaCha8Rng,
}

impl FullJitter {
    /// A backoff that starts at `base`, doubles up to `maximum`, and draws from `seed`.
    pub fn new(base: Duration, maximum: Duration, seed: u64) -> Self {
        Self {
            bound: base.min(maximum),
            minimum: Duration::ZERO,
            maximum,
            random: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// Draws nothing shorter than `minimum`, or than the bound of the draw where that is
    /// smaller still (default 0).
    #[must_use]
    pub const fn at_least(mut self, minimum: Duration) -> Self {
        self.minimum = minimum;
        self
    }
}

impl Iterator for FullJitter {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let shortest = self.minimum.min(self.bound);
        let wait = self.random.random_range(shortest..=self.bound);
        self.bound = self.bound.saturating_mul(2).min(self.maximum);
        Some(wait)
    }
}

/// Growth by the same step: `base`, `base + step`, `base + 2 · step`, … up to `maximum`.
///
/// Without jitter: clients that failed together come back together. It fits one caller that
/// polls, and not many that share a dependency.
#[derive(Debug, Clone)]
pub struct Linear {
    next: Duration,
    step: Duration,
    maximum: Duration,
}

impl Linear {
    /// A backoff that starts at `base` and grows by `step` up to `maximum`.
    pub fn new(base: Duration, step: Duration, maximum: Duration) -> Self {
        Self {
            next: base.min(maximum),
            step,
            maximum,
        }
    }
}

impl Iterator for Linear {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let wait = self.next;
        self.next = wait.saturating_add(self.step).min(self.maximum);
        Some(wait)
    }
}

/// Exponential growth without jitter: `min(maximum, base · 2ⁿ)`; see [`Linear`] on jitter.
#[derive(Debug, Clone)]
pub struct Exponential {
    next: Duration,
    maximum: Duration,
}

impl Exponential {
    /// A backoff that starts at `base` and doubles up to `maximum`.
    pub fn new(base: Duration, maximum: Duration) -> Self {
        Self {
            next: base.min(maximum),
            maximum,
        }
    }
}

impl Iterator for Exponential {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let wait = self.next;
        self.next = wait.saturating_mul(2).min(self.maximum);
        Some(wait)
    }
}

/// Decorrelated jitter: each wait is drawn evenly from `base` to three times the one before,
/// and is at most `maximum` (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture
/// Blog, 2015).
///
/// It never waits less than `base`, where full jitter may not wait at all.
///
/// ```
/// use std::time::Duration;
/// use resilience::backoff::Decorrelated;
///
/// let base = Duration::from_millis(100);
/// let mut backoff = Decorrelated::new(base, Duration::from_secs(2), 7);
/// assert!(backoff.next().is_some_and(|wait| wait >= base && wait <= base * 3));
/// ```
#[derive(Debug, Clone)]
pub struct Decorrelated {
    base: Duration,
    last: Duration,
    maximum: Duration,
    random: ChaCha8Rng,
}

impl Decorrelated {
    /// A backoff that starts at `base`, never exceeds `maximum`, and draws from `seed`.
    pub fn new(base: Duration, maximum: Duration, seed: u64) -> Self {
        let base = base.min(maximum);
        Self {
            base,
            last: base,
            maximum,
            random: ChaCha8Rng::seed_from_u64(seed),
        }
    }
}

impl Iterator for Decorrelated {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let longest = self.last.saturating_mul(3).max(self.base);
        let drawn = self.random.random_range(self.base..=longest);
        self.last = drawn.min(self.maximum);
        Some(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Duration = Duration::from_millis(100);
    const MAXIMUM: Duration = Duration::from_secs(2);

    #[test]
    fn bounds_double_until_the_maximum_and_draws_use_their_whole_range() {
        for (attempt, bound_ms) in [
            (0, 100),
            (1, 200),
            (2, 400),
            (4, 1_600),
            (5, 2_000),
            (60, 2_000),
        ] {
            let bound = Duration::from_millis(bound_ms);
            let draws: Vec<_> = (0..200)
                .filter_map(|seed| FullJitter::new(BASE, MAXIMUM, seed).nth(attempt))
                .collect();
            assert!(draws.iter().all(|wait| *wait <= bound), "attempt {attempt}");
            assert!(
                draws.iter().any(|wait| *wait < bound / 4),
                "attempt {attempt}"
            );
            assert!(
                draws.iter().any(|wait| *wait > bound / 4 * 3),
                "attempt {attempt}"
            );
        }
    }

    #[test]
    fn at_least_cuts_off_short_waits() {
        let floor = Duration::from_millis(50);
        let mut backoff = FullJitter::new(BASE, MAXIMUM, 1).at_least(floor);
        assert!(backoff.by_ref().take(500).all(|wait| wait >= floor));
    }

    #[test]
    fn steady_backoffs_grow_and_stop_at_the_maximum() {
        let ms = Duration::from_millis;
        let linear: Vec<_> = Linear::new(ms(100), ms(50), ms(220)).take(5).collect();
        assert_eq!(linear, [100, 150, 200, 220, 220].map(ms));
        let exponential: Vec<_> = Exponential::new(ms(100), ms(500)).take(5).collect();
        assert_eq!(exponential, [100, 200, 400, 500, 500].map(ms));
    }

    #[test]
    fn decorrelated_waits_lie_between_the_base_and_three_times_the_last() {
        for seed in 0..200 {
            let mut last = BASE;
            for wait in Decorrelated::new(BASE, MAXIMUM, seed).take(20) {
                assert!(wait >= BASE && wait <= (last * 3).min(MAXIMUM), "{seed}");
                last = wait;
            }
        }
    }

    #[test]
    fn absurd_values_do_not_panic() {
        assert_eq!(
            Linear::new(Duration::MAX, MAXIMUM, Duration::MAX).nth(3),
            Some(Duration::MAX)
        );
        assert_eq!(
            Exponential::new(BASE, Duration::ZERO).next(),
            Some(Duration::ZERO)
        );
        let mut endless = Decorrelated::new(Duration::MAX, Duration::MAX, 1);
        assert_eq!(endless.nth(3), Some(Duration::MAX));
        let mut endless = FullJitter::new(Duration::MAX, Duration::MAX, 1);
        assert!(endless.nth(5).is_some());
        let mut none = FullJitter::new(BASE, Duration::ZERO, 1).at_least(BASE);
        assert_eq!(none.next(), Some(Duration::ZERO));
    }
}
