//! Assertions that say what is wrong.

use http::Response;

use crate::circuit_breaker::{BreakerHandle, State};
use crate::ledger;

/// The breaker is in this state.
///
/// # Panics
///
/// If it is in another one, or if there is no breaker.
#[track_caller]
pub fn assert_breaker<'a>(breaker: impl Into<Option<&'a BreakerHandle>>, expected: State) {
    let Some(breaker) = breaker.into() else {
        panic!(
            "there is no breaker: expected one that is {}",
            expected.as_str()
        );
    };
    let state = breaker.state();
    assert!(
        state == expected,
        "breaker `{}` is {} ({}), its window holds {:?}: expected {}",
        breaker.name(),
        state.as_str(),
        breaker.mode().as_str(),
        breaker.window(),
        expected.as_str(),
    );
}

/// Nothing in the answer was replaced.
///
/// # Panics
///
/// If something was, with what.
#[track_caller]
pub fn assert_full<B>(answer: &Response<B>) {
    let entries = ledger::parse(answer.headers());
    assert!(
        entries.is_empty(),
        "the answer is degraded: {entries:?}, expected a full one"
    );
}

/// Of this dependency, something was replaced in the answer, by this.
///
/// # Panics
///
/// If it was not, with what was.
#[track_caller]
pub fn assert_degraded<B>(answer: &Response<B>, dependency: &str, stood_in: &str) {
    let entries = ledger::parse(answer.headers());
    let is_there = entries
        .iter()
        .any(|entry| entry.dependency == dependency && entry.stood_in == stood_in);
    assert!(
        is_there,
        "`{stood_in}` did not stand in for `{dependency}`: the answer says {entries:?}"
    );
}
