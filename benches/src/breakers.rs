//! Circuit breakers: closed, open, half-open; windows of 100 and 6,000; 1 and 2 threads.

use std::thread::sleep;
use std::time::Duration;

use failsafe::{backoff, failure_policy};
use resilience::circuit_breaker::{
    AtHead, BreakerHandle, CircuitBreakerConfig, CircuitBreakerLayer, Typed, Window,
};
use tower::Layer;
use tower_service::Service;

use crate::contender::{BARE, Contender, Instance, Table};
use crate::drive::{self, Expected};
use crate::rivals;
use crate::trivial::{AnyError, Plain};

const THREADS: [usize; 2] = [1, 2];
const SLOW: Duration = Duration::from_secs(1);
pub const HOUR: Duration = Duration::from_secs(3600);
/// So many failures in a row, or so many calls at least, open a breaker.
pub const FEW: u32 = 20;
pub const WINDOWS: [u32; 2] = [100, 6_000];

/// The state a breaker is brought into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Closed,
    Open,
    HalfOpen,
}

impl State {
    const fn table(self) -> Table {
        match self {
            Self::Closed => Table::Closed,
            Self::Open => Table::Open,
            Self::HalfOpen => Table::HalfOpen,
        }
    }

    pub const fn expected(self) -> Expected {
        match self {
            Self::Closed | Self::HalfOpen => Expected::Success,
            Self::Open => Expected::Rejection,
        }
    }

    /// How long a breaker stays open.
    pub const fn wait(self) -> Duration {
        match self {
            Self::HalfOpen => Duration::from_millis(1),
            _ => HOUR,
        }
    }

    /// Lets so many calls fail, and waits until the next one is a probe.
    pub fn bring(self, failures: usize, mut fail: impl FnMut()) {
        if self == Self::Closed {
            return;
        }
        (0..failures).for_each(|_| fail());
        if self == Self::HalfOpen {
            sleep(Duration::from_millis(3));
        }
    }
}

pub const RATES: &str = "failure rate";
pub const RATES_AND_LATENCY: &str = "failure rate, slow-call rate (latency tracked)";
pub const IN_A_ROW: &str = "failures in a row";

/// The names of our own rows.
pub mod names {
    pub const CONSECUTIVE: &str = "resilience, consecutive";
    pub const CONSECUTIVE_HANDLE: &str = "resilience, consecutive, by handle";

    pub fn count(calls: u32) -> String {
        format!("resilience, count window {calls}")
    }

    pub fn latency(calls: u32) -> String {
        format!("resilience, count window {calls}, latency")
    }

    /// Without a service around the call, as failsafe and recloser are used.
    pub fn by_handle(name: &str) -> String {
        format!("{name}, by handle")
    }
}

pub fn contenders() -> Vec<Contender> {
    let mut all = Vec::new();
    for state in [State::Closed, State::Open, State::HalfOpen] {
        let bare = || drive::instance(Plain, Expected::Success, || true);
        all.extend(add(state, BARE, "nothing", bare));
    }
    all.extend(closed());
    all.extend(rivals::closed());
    for state in [State::Open, State::HalfOpen] {
        for calls in WINDOWS {
            let config = move || rates(state, Window::count(calls), true);
            let name = names::latency(calls);
            all.extend(add(state, &name, RATES_AND_LATENCY, move || {
                service(state, config())
            }));
            let name = names::by_handle(&name);
            all.extend(add(state, name, RATES_AND_LATENCY, move || {
                by_handle(state, config())
            }));
        }
        all.extend(rivals::not_closed(state));
    }
    all
}

pub fn add(
    state: State,
    name: impl Into<String>,
    promises: &str,
    make: impl Fn() -> Instance + 'static,
) -> Vec<Contender> {
    Contender::on_threads(state.table(), &THREADS, name, promises, make)
}

fn closed() -> Vec<Contender> {
    let mut all = Vec::new();
    let mut both = |name: String, promises, make: fn() -> CircuitBreakerConfig| {
        let by_name = names::by_handle(&name);
        let closed = State::Closed;
        all.extend(add(closed, name, promises, move || service(closed, make())));
        all.extend(add(closed, by_name, promises, move || {
            by_handle(closed, make())
        }));
    };
    both(names::CONSECUTIVE.into(), IN_A_ROW, || {
        CircuitBreakerConfig::new().consecutive_failures(FEW)
    });
    both(names::count(100), RATES, || {
        rates(State::Closed, Window::count(100), false)
    });
    both(names::count(6_000), RATES, || {
        rates(State::Closed, Window::count(6_000), false)
    });
    both(names::latency(100), RATES_AND_LATENCY, || {
        rates(State::Closed, Window::count(100), true)
    });
    both(names::latency(6_000), RATES_AND_LATENCY, || {
        rates(State::Closed, Window::count(6_000), true)
    });
    both(
        "resilience, time window 10 s, latency".into(),
        RATES_AND_LATENCY,
        || rates(State::Closed, Window::time(Duration::from_secs(10)), true),
    );
    both(
        "resilience, failsafe's consecutive policy".into(),
        IN_A_ROW,
        || {
            CircuitBreakerConfig::new().failsafe_policy(|| {
                failure_policy::consecutive_failures(FEW, backoff::constant(HOUR))
            })
        },
    );
    all
}

fn rates(state: State, window: Window, latency: bool) -> CircuitBreakerConfig {
    let config = CircuitBreakerConfig::new()
        .window(window)
        .failure_rate(0.5)
        .minimum_calls(FEW)
        // More than one round makes.
        .probes(1 << 22)
        .half_open_deadline(HOUR)
        .backoff(std::iter::repeat(state.wait()));
    if latency {
        return config.slow_calls(SLOW, 0.5);
    }
    config
}

fn layer(config: CircuitBreakerConfig) -> CircuitBreakerLayer<AnyError, AtHead, Typed> {
    CircuitBreakerLayer::builder("bench")
        .config(config)
        .classify(AnyError)
        .typed_errors()
        .build()
        .expect("the numbers are right")
}

fn service(state: State, config: CircuitBreakerConfig) -> Instance {
    let service = layer(config).layer(Plain);
    state.bring(FEW as usize, || {
        drive::once(|| service.clone().call(false));
    });
    drive::instance(service, state.expected(), || true)
}

fn by_handle(state: State, config: CircuitBreakerConfig) -> Instance {
    let handle = layer(config).handle();
    state.bring(FEW as usize, || {
        drive::once(|| handle.call(Plain.call(false)));
    });
    Box::new(move || {
        // Borrowed by every call, as a handle in a `static` or in the caller's own state is.
        let handle: &'static BreakerHandle = Box::leak(Box::new(handle.clone()));
        drive::future(state.expected(), move || handle.call(Plain.call(true)))
    })
}
