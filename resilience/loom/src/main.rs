//! Runs every interleaving of what breakers, budgets and shared calls share: see `Cargo.toml`.
#![allow(dead_code)]

mod sync;

#[path = "../../src/circuit_breaker"]
mod circuit_breaker {
    pub(crate) mod consecutive;
    pub(crate) mod gate;
    pub(crate) mod window {
        pub(crate) mod count;
        pub(crate) mod sample;
    }
}

#[path = "../../src/coalesce"]
mod coalesce {
    pub(crate) mod shared_call;
}

#[path = "../../src/retry"]
mod retry {
    pub(crate) mod allowance;
}

mod models;

use std::time::Instant;

/// The models by name: no test harness, since the files of the crate bring tests of their own,
/// which need atomics that work outside of a model.
macro_rules! models {
    ($($part:ident::$model:ident,)*) => {
        &[$((stringify!($model), models::$part::$model)),*]
    };
}

const MODELS: &[(&str, fn())] = models![
    breaker::three_threads_in_a_window_of_two_leave_totals_that_are_those_of_the_slots,
    breaker::a_result_of_an_earlier_generation_never_stays_in_the_window,
    breaker::a_late_result_does_not_push_out_a_result_of_the_present,
    breaker::failures_in_a_row_are_all_counted,
    breaker::a_late_failure_does_not_count_among_those_of_the_present,
    breaker::of_two_threads_that_reach_the_threshold_one_opens,
    breaker::a_refusal_is_never_made_of_two_outages,
    breaker::a_refusal_that_is_prolonged_has_one_end_or_the_other,
    breaker::failures_before_a_change_of_rules_go_on_after_it_each_once,
    breaker::a_failure_that_ended_before_a_change_of_rules_is_taken_along,
    breaker::a_success_during_a_change_of_rules_does_not_end_the_run_after_it,
    breaker::what_an_earlier_outage_left_is_not_resumed,
    budget::no_more_is_withdrawn_than_calls_paid_for_and_nothing_is_lost,
    budget::of_three_threads_one_gets_the_last_of_the_minimum,
    budget::threads_that_read_the_clock_at_other_seconds_leave_nothing_behind,
    budget::one_of_three_refusals_of_a_second_is_news,
    shared_call::each_of_two_callers_is_told_the_end,
    shared_call::who_stays_is_told_the_end_when_the_other_leaves,
    shared_call::the_last_caller_drops_the_call,
];

fn main() {
    for (name, model) in MODELS {
        let started = Instant::now();
        model();
        println!("{name}: ok, {:.1?}", started.elapsed());
    }
}
