//! Assertions that say what is wrong.

use http::Response;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

use crate::circuit_breaker::{BreakerHandle, State};
use crate::ledger;
use crate::telemetry::{Event, Telemetry};

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

/// The states that a breaker enters, from when they are recorded on. A breaker that opened and
/// closed again between two looks at its handle shows here.
#[derive(Debug)]
pub struct Transitions {
    breaker: String,
    events: Receiver<Event>,
    entered: Vec<State>,
}

impl Transitions {
    /// Records those of the breaker of this name, which tells this telemetry.
    pub fn record(telemetry: &Telemetry, breaker: impl Into<String>) -> Self {
        Self {
            breaker: breaker.into(),
            events: telemetry.subscribe(),
            entered: Vec::new(),
        }
    }

    /// The states that it entered so far.
    ///
    /// # Panics
    ///
    /// If more events came since the last look than telemetry keeps for a subscriber.
    #[track_caller]
    pub fn entered(&mut self) -> &[State] {
        loop {
            match self.events.try_recv() {
                Ok(Event::BreakerTransition { client, to, .. }) if client == self.breaker => {
                    self.entered.push(to);
                }
                Ok(_) => {}
                Err(TryRecvError::Lagged(missed)) => {
                    panic!("{missed} events were missed: look at the transitions more often")
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => return &self.entered,
            }
        }
    }

    /// The breaker entered these states, in this order, and no other ones.
    ///
    /// # Panics
    ///
    /// If it did not, with those that it entered.
    #[track_caller]
    pub fn assert(&mut self, expected: &[State]) {
        let breaker = self.breaker.clone();
        let entered = self.entered();
        assert!(
            entered == expected,
            "breaker `{breaker}` entered {entered:?}: expected {expected:?}"
        );
    }
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
