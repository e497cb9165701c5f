//! The breakers of the peers.

use std::time::Duration;

use failsafe::futures::CircuitBreaker as _;
use failsafe::{backoff, failure_policy};
use recloser::{AsyncRecloser, Recloser};
use tower::Layer;
use tower_resilience::circuitbreaker as theirs;
use tower_service::Service;

use crate::breakers::{FEW, HOUR, IN_A_ROW, RATES, RATES_AND_LATENCY, State, WINDOWS, add};
use crate::contender::{Contender, Instance};
use crate::drive;
use crate::trivial::Plain;

/// The rows that the goals compare with.
pub mod names {
    pub const FAILSAFE: &str = "failsafe, consecutive";

    pub fn recloser(calls: u32) -> String {
        format!("recloser, count window {calls}")
    }

    pub const TOWER_RESILIENCE: &str = "tower-resilience, consecutive, latency";

    pub fn tower_resilience(calls: u32) -> String {
        format!("tower-resilience, count window {calls}, latency")
    }
}

pub fn closed() -> Vec<Contender> {
    let mut all = Vec::new();
    let state = State::Closed;
    all.extend(add(state, names::FAILSAFE, IN_A_ROW, move || {
        failsafe(state)
    }));
    let average = "success rate (moving average) or failures in a row";
    all.extend(add(state, "failsafe, default policy", average, move || {
        failsafe_default()
    }));
    for calls in WINDOWS {
        all.extend(add(state, names::recloser(calls), RATES, move || {
            recloser(state, calls)
        }));
    }
    let row = "failures in a row (latency tracked)";
    all.extend(add(state, names::TOWER_RESILIENCE, row, move || {
        tower_resilience(state, Rival::Consecutive)
    }));
    for calls in WINDOWS {
        let name = names::tower_resilience(calls);
        all.extend(add(state, name, RATES_AND_LATENCY, move || {
            tower_resilience(state, Rival::Count(calls))
        }));
    }
    // It keeps and scans one record per call: a longer window would only cost more.
    let name = "tower-resilience, time window 0.1 ms, latency";
    all.extend(add(state, name, RATES_AND_LATENCY, move || {
        tower_resilience(state, Rival::Time(Duration::from_micros(100)))
    }));
    all
}

pub fn not_closed(state: State) -> Vec<Contender> {
    let mut all = Vec::new();
    // failsafe's half-open ends with its first success: it cannot be stayed in.
    if state == State::Open {
        all.extend(add(state, names::FAILSAFE, IN_A_ROW, move || {
            failsafe(state)
        }));
    }
    for calls in WINDOWS {
        all.extend(add(state, names::recloser(calls), RATES, move || {
            recloser(state, calls)
        }));
    }
    let name = names::tower_resilience(100);
    all.extend(add(state, name, RATES_AND_LATENCY, move || {
        tower_resilience(state, Rival::Count(100))
    }));
    all
}

fn failsafe(state: State) -> Instance {
    let policy = failure_policy::consecutive_failures(FEW, backoff::constant(HOUR));
    let breaker = failsafe::Config::new().failure_policy(policy).build();
    state.bring(FEW as usize, || {
        drive::once(|| breaker.call(Plain.call(false)));
    });
    Box::new(move || {
        let breaker = breaker.clone();
        drive::future(state.expected(), move || breaker.call(Plain.call(true)))
    })
}

fn failsafe_default() -> Instance {
    let breaker = failsafe::Config::new().build();
    Box::new(move || {
        let breaker = breaker.clone();
        drive::future(State::Closed.expected(), move || {
            breaker.call(Plain.call(true))
        })
    })
}

fn recloser(state: State, calls: u32) -> Instance {
    let breaker: AsyncRecloser = Recloser::custom()
        .error_rate(0.5)
        .closed_len(calls as usize)
        // It closes when so many probes are known: more than one round makes.
        .half_open_len(1 << 22)
        .open_wait(state.wait())
        .build()
        .into();
    state.bring(calls as usize + 1, || {
        drive::once(|| breaker.call(Plain.call(false)));
    });
    Box::new(move || {
        let breaker = breaker.clone();
        drive::future(state.expected(), move || breaker.call(Plain.call(true)))
    })
}

#[derive(Debug, Clone, Copy)]
enum Rival {
    Consecutive,
    Count(u32),
    Time(Duration),
}

fn tower_resilience(state: State, kind: Rival) -> Instance {
    let builder = theirs::CircuitBreakerLayer::builder()
        .failure_rate_threshold(0.5)
        .minimum_number_of_calls(FEW as usize)
        // More than one round makes; a tokio semaphore counts them.
        .permitted_calls_in_half_open(1 << 40)
        .wait_duration_in_open(state.wait())
        .slow_call_duration_threshold(Duration::from_secs(1))
        .slow_call_rate_threshold(0.5);
    let builder = match kind {
        Rival::Consecutive => builder.consecutive_failures(FEW as usize),
        Rival::Count(calls) => builder.sliding_window_size(calls as usize),
        Rival::Time(span) => builder
            .sliding_window_type(theirs::SlidingWindowType::TimeBased)
            .sliding_window_duration(span),
    };
    let layer = builder.build().expect("the numbers are right");
    let service = layer.layer(Plain);
    state.bring(100, || drive::once(|| service.clone().call(false)));
    drive::instance(service, state.expected(), || true)
}
