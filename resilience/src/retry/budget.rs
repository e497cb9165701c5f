//! How many repetitions a client allows itself: [`Allowance`] by the clock.

use tokio::time::Instant;

use super::allowance::{Allowance, Counts, Withdrawal};

/// What a budget has counted over its ten seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct BudgetStatus {
    /// Calls.
    pub calls: u64,
    /// Repetitions, or hedges.
    pub repetitions: u64,
    /// How many of them these calls allow.
    pub allowed: u64,
}

/// A retry budget; the clones of one client share one.
#[derive(Debug)]
pub(crate) struct Budget {
    allowance: Allowance,
    epoch: Instant,
}

impl Budget {
    /// `ratio` repetitions per call and `minimum_per_second` beyond that.
    pub(crate) fn new(ratio: f64, minimum_per_second: u32) -> Self {
        Self {
            allowance: Allowance::new(ratio, minimum_per_second),
            epoch: Instant::now(),
        }
    }

    /// Counts a call in.
    pub(crate) fn deposit(&self) {
        self.allowance.deposit(self.second());
    }

    /// Asks for one repetition, and counts it if it is granted.
    pub(crate) fn withdraw(&self) -> Withdrawal {
        self.allowance.withdraw(self.second())
    }

    /// What was counted in the window that ends now.
    pub(super) fn status(&self) -> BudgetStatus {
        let Counts { calls, repetitions } = self.allowance.counted(self.second());
        BudgetStatus {
            calls,
            repetitions,
            allowed: self.allowance.allowed(calls),
        }
    }

    fn second(&self) -> u64 {
        Instant::now()
            .saturating_duration_since(self.epoch)
            .as_secs()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn granted(budget: &Budget, wishes: u32) -> usize {
        (0..wishes)
            .filter(|_| budget.withdraw() == Withdrawal::Granted)
            .count()
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_earned_is_forgotten_after_the_window() {
        let budget = Budget::new(1.0, 0);
        budget.deposit();
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(granted(&budget, 1), 1);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(granted(&budget, 1), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_jump_of_the_clock_leaves_the_minimum_and_no_more() {
        let budget = Budget::new(1.0, 1);
        for _ in 0..3 {
            (0..100).for_each(|_| budget.deposit());
            assert_eq!(granted(&budget, 500), 110);
            tokio::time::advance(Duration::from_hours(24 * 365)).await;
            assert_eq!(granted(&budget, 500), 10);
            tokio::time::advance(Duration::from_hours(24 * 365)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_counted_can_be_looked_at() {
        let budget = Budget::new(0.25, 1);
        (0..10).for_each(|_| budget.deposit());
        assert_eq!(granted(&budget, 5), 5);
        let expected = |calls, repetitions, allowed| BudgetStatus {
            calls,
            repetitions,
            allowed,
        };
        assert_eq!(budget.status(), expected(10, 5, 12));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(budget.status(), expected(0, 0, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_first_refusal_of_a_second_is_news() {
        let budget = Budget::new(0.0, 0);
        let refusal = |is_news| Withdrawal::Exhausted { is_news };
        assert_eq!(budget.withdraw(), refusal(true));
        assert_eq!(budget.withdraw(), refusal(false));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(budget.withdraw(), refusal(true));
    }
}
