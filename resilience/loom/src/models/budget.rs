//! A budget: what must hold at rest, whatever the order in which threads came by.

use loom::sync::Arc;
use loom::thread;

use super::check;
use crate::retry::allowance::{Allowance, Counts, Withdrawal};

/// Runs `caller` in three threads, each with its number, and adds up what they return.
fn in_three_threads(
    allowance: &Arc<Allowance>,
    caller: impl Fn(u64, &Allowance) -> u64 + Copy + Send + 'static,
) -> u64 {
    let others = [1, 2].map(|number| {
        let allowance = Arc::clone(allowance);
        thread::spawn(move || caller(number, &allowance))
    });
    let own = caller(0, allowance);
    let others = others.into_iter().map(|other| other.join().unwrap());
    own + others.sum::<u64>()
}

fn is_granted(withdrawal: Withdrawal) -> u64 {
    u64::from(withdrawal == Withdrawal::Granted)
}

pub(crate) fn no_more_is_withdrawn_than_calls_paid_for_and_nothing_is_lost() {
    check(|| {
        let allowance = Arc::new(Allowance::new(0.5, 0));
        let granted = in_three_threads(&allowance, |_, allowance| {
            allowance.deposit(0);
            is_granted(allowance.withdraw(0))
        });
        // The second of them finds two calls, and the third not four.
        assert_eq!(granted, 1);
        let expected = |calls| Counts {
            calls,
            repetitions: 1,
        };
        assert_eq!(allowance.counted(0), expected(3));
        assert_eq!(is_granted(allowance.withdraw(0)), 0);
        allowance.deposit(0);
        assert_eq!(allowance.counted(0), expected(4));
        assert_eq!(is_granted(allowance.withdraw(0)), 1);
    });
}

pub(crate) fn of_three_threads_one_gets_the_last_of_the_minimum() {
    check(|| {
        let allowance = Arc::new(Allowance::new(0.0, 1));
        let earlier: u64 = (0..9).map(|_| is_granted(allowance.withdraw(0))).sum();
        assert_eq!(earlier, 9);
        let granted = in_three_threads(&allowance, |second, allowance| {
            is_granted(allowance.withdraw(second))
        });
        assert_eq!(granted, 1);
    });
}

/// The clock is read before the lock is taken, and it may have jumped in between.
pub(crate) fn threads_that_read_the_clock_at_other_seconds_leave_nothing_behind() {
    check(|| {
        let allowance = Arc::new(Allowance::new(1.0, 0));
        let granted = in_three_threads(&allowance, |number, allowance| {
            let second = [3, 9, 15][number as usize];
            allowance.deposit(second);
            is_granted(allowance.withdraw(second))
        });
        assert!((1..=3).contains(&granted));
        let present = allowance.counted(15);
        assert!((1..=3).contains(&present.calls));
        assert!(present.repetitions <= granted);
        assert_eq!(allowance.counted(25), Counts::default());
    });
}

pub(crate) fn one_of_three_refusals_of_a_second_is_news() {
    check(|| {
        let allowance = Arc::new(Allowance::new(0.0, 0));
        let news = in_three_threads(&allowance, |_, allowance| {
            let is_news = Withdrawal::Exhausted { is_news: true };
            u64::from(allowance.withdraw(7) == is_news)
        });
        assert_eq!(news, 1);
    });
}
