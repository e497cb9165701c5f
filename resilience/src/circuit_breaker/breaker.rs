//! The state machine behind a lock, shared by every clone of the middleware.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::error::CircuitOpen;
use super::observer::Observer;
use super::state::{Ending, Machine, Permit, Transition};
use super::window::Sample;
use crate::classify::Outcome;
use crate::telemetry::BreakerState as State;

/// One breaker.
pub(super) struct Breaker {
    name: Arc<str>,
    /// Generation and state of `machine`, so that a call through a closed breaker takes
    /// no lock before it starts: see [`Gate`].
    gate: Gate,
    machine: Mutex<Machine>,
    slow_threshold: Option<Duration>,
    observer: Observer,
}

impl Breaker {
    pub(super) fn new(
        name: Arc<str>,
        machine: Machine,
        slow_threshold: Option<Duration>,
        observer: Observer,
    ) -> Self {
        Self {
            name,
            gate: Gate::new(&machine),
            machine: Mutex::new(machine),
            slow_threshold,
            observer,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn state(&self) -> State {
        self.machine.lock().state()
    }

    /// Whether a call would have to ask the machine.
    pub(super) fn is_closed(&self) -> bool {
        self.gate.closed().is_some()
    }

    /// Asks for the right to a call.
    pub(super) fn admit(self: &Arc<Self>) -> Result<CallGuard, CircuitOpen> {
        if let Some(permit) = self.gate.closed() {
            return Ok(self.guard(permit));
        }
        let now = Instant::now();
        let decision = {
            let mut machine = self.machine.lock();
            let (decision, transition) = machine.admit(now);
            self.publish(&machine, transition);
            decision
        };
        match decision {
            Ok(permit) => Ok(self.guard(permit)),
            Err(refusal) => {
                self.observer.rejected();
                Err(CircuitOpen::new(Arc::clone(&self.name), refusal, now))
            }
        }
    }

    fn guard(self: &Arc<Self>, permit: Permit) -> CallGuard {
        CallGuard {
            breaker: Arc::clone(self),
            permit,
            started: self.slow_threshold.map(|_| Instant::now()),
            is_settled: false,
        }
    }

    fn settle(&self, permit: Permit, ending: Ending, now: Instant) {
        self.observer.ended(ending);
        let mut machine = self.machine.lock();
        let transition = machine.settle(permit, ending, now);
        self.publish(&machine, transition);
    }

    /// Tells the gate and the observer about a transition; under the lock, so that they
    /// see transitions in the order in which they happen.
    fn publish(&self, machine: &Machine, transition: Option<Transition>) {
        let Some(transition) = transition else {
            return;
        };
        self.gate.publish(machine);
        self.observer.transition(transition);
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Breaker")
            .field("name", &self.name)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// The generation of the machine, with the lowest bit set while it is closed.
///
/// A call may read it just before a transition: its permit is then of an earlier
/// generation and its result counts for nothing.
struct Gate(AtomicU64);

impl Gate {
    fn new(machine: &Machine) -> Self {
        Self(AtomicU64::new(Self::encode(machine)))
    }

    fn encode(machine: &Machine) -> u64 {
        (machine.generation() << 1) | u64::from(machine.state() == State::Closed)
    }

    fn publish(&self, machine: &Machine) {
        self.0.store(Self::encode(machine), Ordering::Release);
    }

    /// A permit, if the breaker is closed.
    fn closed(&self) -> Option<Permit> {
        let value = self.0.load(Ordering::Acquire);
        (value & 1 == 1).then_some(Permit {
            generation: value >> 1,
        })
    }
}

/// The right to one call. Dropped without an outcome, it says that the call was cancelled.
#[derive(Debug)]
pub(super) struct CallGuard {
    breaker: Arc<Breaker>,
    permit: Permit,
    /// When the call began, where slow calls count.
    started: Option<Instant>,
    is_settled: bool,
}

impl CallGuard {
    /// The call ended.
    pub(super) fn settle(mut self, outcome: Outcome) {
        self.is_settled = true;
        let now = Instant::now();
        let slow = self.is_slow(now);
        let ending = match outcome {
            Outcome::Success => Ending::Counted(Sample {
                failure: false,
                slow,
            }),
            Outcome::Failure => Ending::Counted(Sample {
                failure: true,
                slow,
            }),
            Outcome::Neutral => Ending::Neutral,
        };
        self.breaker.settle(self.permit, ending, now);
    }

    fn is_slow(&self, now: Instant) -> bool {
        let (Some(started), Some(threshold)) = (self.started, self.breaker.slow_threshold) else {
            return false;
        };
        now.saturating_duration_since(started) >= threshold
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        if self.is_settled {
            return;
        }
        let now = Instant::now();
        // Whoever gave up may just have had no time; but after the slow threshold the
        // dependency is to blame, or callers less patient than it would hide its slowness.
        let ending = if self.is_slow(now) {
            Ending::Counted(Sample {
                failure: false,
                slow: true,
            })
        } else {
            Ending::Neutral
        };
        self.breaker.settle(self.permit, ending, now);
    }
}

/// Looks at a breaker from outside: for health pages, admin endpoints and tests.
#[derive(Debug, Clone)]
pub struct BreakerHandle {
    breaker: Arc<Breaker>,
}

impl BreakerHandle {
    pub(super) const fn new(breaker: Arc<Breaker>) -> Self {
        Self { breaker }
    }

    /// The name of the breaker.
    pub fn name(&self) -> &str {
        self.breaker.name()
    }

    /// The present state. It changes with calls: an open breaker whose backoff is over
    /// stays open until the next call comes and probes.
    pub fn state(&self) -> State {
        self.breaker.state()
    }
}
