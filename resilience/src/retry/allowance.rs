//! What a budget allows and what was taken of it, without a clock: seconds are handed in.
//!
//! Over a sliding window there may be `ratio` repetitions for each call, and a few a second beyond
//! that. Everything is counted in millionths of a repetition, in integers: 0.6 is six of ten,
//! neither five nor ten (tower#857).
//!
//! Threads that share it read the clock before they take the lock, so one may come with an
//! earlier second than the one before it: its call is then counted, and forgotten, with those of
//! a later second. `resilience/loom` runs every interleaving.

use crate::sync::Mutex;

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

/// Calls, and the repetitions that they pay for.
#[derive(Debug)]
pub(crate) struct Allowance {
    millionths_per_call: u64,
    /// What the window always allows.
    reserve: u64,
    window: Mutex<Window>,
}

/// What was counted over a time.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) calls: u64,
    pub(crate) repetitions: u64,
}

#[derive(Debug, Default)]
struct Window {
    /// One pair of counts for each second; second `s` is at `s % WINDOW_SECONDS`.
    seconds: [Counts; WINDOW_SECONDS],
    newest: u64,
    total: Counts,
    /// The last second in which a wish was not granted.
    exhausted: Option<u64>,
}

impl Allowance {
    /// `ratio` repetitions per call and `minimum_per_second` beyond that.
    pub(crate) fn new(ratio: f64, minimum_per_second: u32) -> Self {
        Self {
            millionths_per_call: (ratio * ONE as f64).round() as u64,
            reserve: u64::from(minimum_per_second) * WINDOW_SECONDS as u64 * ONE,
            window: Mutex::new(Window::default()),
        }
    }

    /// Counts a call in.
    pub(crate) fn deposit(&self, second: u64) {
        let mut window = self.window.lock();
        window.advance(second);
        window.count(|counts| counts.calls += 1);
    }

    /// Asks for one repetition, and counts it if it is granted.
    pub(crate) fn withdraw(&self, second: u64) -> Withdrawal {
        let mut window = self.window.lock();
        window.advance(second);
        let Counts { calls, repetitions } = window.total;
        let spent = repetitions.saturating_add(1).saturating_mul(ONE);
        if spent > self.millionths(calls) {
            let is_news = window.exhausted < Some(window.newest);
            window.exhausted = Some(window.newest);
            return Withdrawal::Exhausted { is_news };
        }
        window.count(|counts| counts.repetitions += 1);
        Withdrawal::Granted
    }

    /// What was counted in the window that ends with this second.
    pub(crate) fn counted(&self, second: u64) -> Counts {
        let mut window = self.window.lock();
        window.advance(second);
        window.total
    }

    /// How many repetitions so many calls allow.
    pub(crate) const fn allowed(&self, calls: u64) -> u64 {
        self.millionths(calls) / ONE
    }

    const fn millionths(&self, calls: u64) -> u64 {
        calls
            .saturating_mul(self.millionths_per_call)
            .saturating_add(self.reserve)
    }
}

impl Window {
    /// Forgets what is older than the window. Whoever comes late changes nothing.
    fn advance(&mut self, second: u64) {
        let passed = second.saturating_sub(self.newest);
        for step in 1..=passed.min(WINDOW_SECONDS as u64) {
            let index = ((self.newest + step) % WINDOW_SECONDS as u64) as usize;
            if let Some(oldest) = self.seconds.get_mut(index) {
                self.total.calls -= oldest.calls;
                self.total.repetitions -= oldest.repetitions;
                *oldest = Counts::default();
            }
        }
        self.newest = self.newest.max(second);
    }

    /// Counts in the newest second.
    fn count(&mut self, add: impl Fn(&mut Counts)) {
        let index = (self.newest % WINDOW_SECONDS as u64) as usize;
        if let Some(counts) = self.seconds.get_mut(index) {
            add(counts);
            add(&mut self.total);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn granted(allowance: &Allowance, wishes: u32) -> usize {
        (0..wishes)
            .filter(|_| allowance.withdraw(0) == Withdrawal::Granted)
            .count()
    }

    #[test]
    fn pitfall_the_budget_rounds_its_ratio() {
        for (ratio, expected) in [
            (0.6, 60),
            (0.2, 20),
            (0.29, 29),
            (1.0, 100),
            (1.5, 150),
            (0.0, 0),
        ] {
            let allowance = Allowance::new(ratio, 0);
            (0..100).for_each(|_| allowance.deposit(0));
            assert_eq!(granted(&allowance, 500), expected, "ratio {ratio}");
        }
    }

    #[test]
    fn the_minimum_holds_without_any_call() {
        assert_eq!(granted(&Allowance::new(0.0, 3), 100), 30);
    }

    #[test]
    fn whoever_read_the_clock_earlier_is_counted_with_the_newest_second() {
        let allowance = Allowance::new(1.0, 0);
        allowance.deposit(20);
        allowance.deposit(8);
        let counts = |calls| Counts {
            calls,
            repetitions: 0,
        };
        assert_eq!(allowance.counted(29), counts(2));
        assert_eq!(allowance.counted(30), counts(0));
    }

    #[test]
    fn a_late_wish_is_no_second_news() {
        let allowance = Allowance::new(0.0, 0);
        let refusals = [5, 5, 4, 6, 5].map(|second| allowance.withdraw(second));
        let expected = [true, false, false, true, false];
        assert_eq!(
            refusals,
            expected.map(|is_news| Withdrawal::Exhausted { is_news })
        );
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
            2 => (0..3_u64).prop_map(Step::Pass),
            1 => (0..30_u64).prop_map(Step::Pass),
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
            let allowance = Allowance::new(ratio_percent as f64 / 100.0, minimum);
            let mut history = Vec::new();
            let mut second = 0;
            for step in steps {
                match step {
                    Step::Call => {
                        allowance.deposit(second);
                        history.push((second, step));
                    }
                    Step::Wish => {
                        let expected = naive(&history, second, ratio_percent, u64::from(minimum));
                        let is_granted = allowance.withdraw(second) == Withdrawal::Granted;
                        prop_assert_eq!(is_granted, expected);
                        if is_granted {
                            history.push((second, step));
                        }
                    }
                    Step::Pass(passed) => second += passed,
                }
            }
        }
    }
}
