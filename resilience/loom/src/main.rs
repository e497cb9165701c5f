//! Runs every interleaving of the breaker's shared state: see `Cargo.toml`.
#![allow(dead_code)]

mod sync {
    pub(crate) use loom::sync::atomic;
}

#[path = "../../src/circuit_breaker"]
mod circuit_breaker {
    pub(crate) mod consecutive;
    pub(crate) mod gate;
    pub(crate) mod window {
        pub(crate) mod count;
        pub(crate) mod sample;
    }
}

mod models;

use std::time::Instant;

/// The models by name: no test harness, since the files of the crate bring tests of their own,
/// which need atomics that work outside of a model.
const MODELS: &[(&str, fn())] = &[
    (
        "three_threads_in_a_window_of_two_leave_totals_that_are_those_of_the_slots",
        models::three_threads_in_a_window_of_two_leave_totals_that_are_those_of_the_slots,
    ),
    (
        "a_result_of_an_earlier_generation_never_stays_in_the_window",
        models::a_result_of_an_earlier_generation_never_stays_in_the_window,
    ),
    (
        "a_late_result_does_not_push_out_a_result_of_the_present",
        models::a_late_result_does_not_push_out_a_result_of_the_present,
    ),
    (
        "failures_in_a_row_are_all_counted",
        models::failures_in_a_row_are_all_counted,
    ),
    (
        "a_late_failure_does_not_count_among_those_of_the_present",
        models::a_late_failure_does_not_count_among_those_of_the_present,
    ),
    (
        "of_two_threads_that_reach_the_threshold_one_opens",
        models::of_two_threads_that_reach_the_threshold_one_opens,
    ),
    (
        "a_refusal_is_never_made_of_two_outages",
        models::a_refusal_is_never_made_of_two_outages,
    ),
    (
        "a_refusal_that_is_prolonged_has_one_end_or_the_other",
        models::a_refusal_that_is_prolonged_has_one_end_or_the_other,
    ),
];

fn main() {
    for (name, model) in MODELS {
        let started = Instant::now();
        model();
        println!("{name}: ok, {:.1?}", started.elapsed());
    }
}
