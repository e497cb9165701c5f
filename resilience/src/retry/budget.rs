//! How many repetitions a client allows itself.
//!
//! Over a sliding window the client may repeat at most `ratio` of its calls, plus a few a
//! second so that a client with little traffic can repeat at all. Everything is counted in
//! millionths of a repetition, in integers: 0.6 is six of ten, neither five nor ten
//! (tower#857).

use parking_lot::Mutex;
use tokio::time::Instant;

/// Seconds over which calls and repetitions are compared: long enough to smooth a burst, short
/// enough that calls of a quiet hour do not pay for a storm. Finagle's and tower's number.
const WINDOW_SECONDS: usize = 10;

/// One repetition in the unit everything is counted in.
const ONE: u64 = 1_000_000;

/// What a wish for a repetition came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Withdrawal {
    /// The repetition may be made.
    Granted,
    /// It may not; `is_news` for the first such wish of a second.
    Exhausted { is_news: bool },
}

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
    millionths_per_call: u64,
    /// What the window always allows.
    reserve: u64,
    epoch: Instant,
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    /// One pair of calls and repetitions for each second; second `s` is at `s % WINDOW_SECONDS`.
    seconds: [Second; WINDOW_SECONDS],
    newest: u64,
    total: Second,
    /// The last second in which a wish was not granted.
    exhausted: Option<u64>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Second {
    calls: u64,
    repetitions: u64,
}

impl Budget {
    /// `ratio` repetitions per call and `minimum_per_second` beyond that.
    pub(crate) fn new(ratio: f64, minimum_per_second: u32) -> Self {
        Self {
            millionths_per_call: (ratio * ONE as f64).round() as u64,
            reserve: u64::from(minimum_per_second) * WINDOW_SECONDS as u64 * ONE,
            epoch: Instant::now(),
            window: Mutex::default(),
        }
    }

    /// Counts a call in.
    pub(crate) fn deposit(&self) {
        let second = self.second();
        let mut window = self.window.lock();
        window.advance(second);
        window.count(second, |counts| counts.calls += 1);
    }

    /// Asks for one repetition, and counts it if it is granted.
    pub(crate) fn withdraw(&self) -> Withdrawal {
        let second = self.second();
        let mut window = self.window.lock();
        window.advance(second);
        let Second { calls, repetitions } = window.total;
        let spent = repetitions.saturating_add(1).saturating_mul(ONE);
        if spent > self.allowed(calls) {
            let is_news = window.exhausted.replace(second) != Some(second);
            return Withdrawal::Exhausted { is_news };
        }
        window.count(second, |counts| counts.repetitions += 1);
        Withdrawal::Granted
    }

    /// What was counted in the window that ends now.
    pub(super) fn status(&self) -> BudgetStatus {
        let second = self.second();
        let mut window = self.window.lock();
        window.advance(second);
        let Second { calls, repetitions } = window.total;
        BudgetStatus {
            calls,
            repetitions,
            allowed: self.allowed(calls) / ONE,
        }
    }

    /// What so many calls allow, in millionths.
    const fn allowed(&self, calls: u64) -> u64 {
        calls
            .saturating_mul(self.millionths_per_call)
            .saturating_add(self.reserve)
    }

    fn second(&self) -> u64 {
        Instant::now()
            .saturating_duration_since(self.epoch)
            .as_secs()
    }
}

impl Window {
    /// Forgets what is older than the window.
    fn advance(&mut self, second: u64) {
        let passed = second.saturating_sub(self.newest);
        for step in 1..=passed.min(WINDOW_SECONDS as u64) {
            let index = ((self.newest + step) % WINDOW_SECONDS as u64) as usize;
            if let Some(oldest) = self.seconds.get_mut(index) {
                self.total.calls -= oldest.calls;
                self.total.repetitions -= oldest.repetitions;
                *oldest = Second::default();
            }
        }
        self.newest = self.newest.max(second);
    }

    fn count(&mut self, second: u64, add: impl Fn(&mut Second)) {
        let index = (second % WINDOW_SECONDS as u64) as usize;
        if let Some(counts) = self.seconds.get_mut(index) {
            add(counts);
            add(&mut self.total);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn granted(budget: &Budget, wishes: u32) -> usize {
        (0..wishes)
            .filter(|_| budget.withdraw() == Withdrawal::Granted)
            .count()
    }

    #[tokio::test(start_paused = true)]
    async fn pitfall_the_budget_rounds_its_ratio() {
        for (ratio, expected) in [
            (0.6, 60),
            (0.2, 20),
            (0.29, 29),
            (1.0, 100),
            (1.5, 150),
            (0.0, 0),
        ] {
            let budget = Budget::new(ratio, 0);
            (0..100).for_each(|_| budget.deposit());
            assert_eq!(granted(&budget, 500), expected, "ratio {ratio}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_minimum_holds_without_any_call() {
        assert_eq!(granted(&Budget::new(0.0, 3), 100), 30);
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

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Call,
        Wish,
        Pass(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => Just(Step::Call),
            4 => Just(Step::Wish),
            2 => (0..3_000_u64).prop_map(Step::Pass),
            1 => (0..30_000_u64).prop_map(Step::Pass),
        ]
    }

    /// Adds the whole history up again for every wish.
    fn naive(history: &[(u64, Step)], second: u64, ratio_percent: u64, minimum: u64) -> bool {
        let count = |wanted: fn(&Step) -> bool| {
            let recent = history
                .iter()
                .filter(|(when, step)| second - when < 10 && wanted(step));
            recent.count() as u64
        };
        let calls = count(|step| matches!(step, Step::Call));
        let granted = count(|step| matches!(step, Step::Wish));
        (granted + 1) * 100 <= calls * ratio_percent + minimum * 10 * 100
    }

    proptest! {
        #[test]
        fn it_decides_as_a_naive_count_does(
            ratio_percent in 0..300_u64,
            minimum in 0..2_u32,
            steps in prop::collection::vec(step(), 1..300),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            runtime.block_on(async {
                let budget = Budget::new(ratio_percent as f64 / 100.0, minimum);
                let mut history = Vec::new();
                let mut milliseconds = 0;
                for step in steps {
                    let second = milliseconds / 1_000;
                    match step {
                        Step::Call => {
                            budget.deposit();
                            history.push((second, step));
                        }
                        Step::Wish => {
                            let expected = naive(&history, second, ratio_percent, u64::from(minimum));
                            let is_granted = budget.withdraw() == Withdrawal::Granted;
                            prop_assert_eq!(is_granted, expected);
                            if is_granted {
                                history.push((second, step));
                            }
                        }
                        Step::Pass(passed) => {
                            tokio::time::advance(Duration::from_millis(passed)).await;
                            milliseconds += passed;
                        }
                    }
                }
                Ok(())
            })?;
        }
    }
}
