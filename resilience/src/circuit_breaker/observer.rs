//! What the world gets to know about a breaker.

use tokio::sync::watch;
use tokio::time::Instant;

use super::handle::BreakerStatus;
use super::mode::Mode;
use super::reason::TransitionReason;
use super::state::{Ending, Machine, Transition};
use crate::ledger::Reason;
use crate::telemetry::{BreakerState, Counter, Event, StateGauge, Telemetry, names};

/// The metrics and events of one breaker, resolved when it is built.
pub(super) struct Observer {
    name: String,
    telemetry: Telemetry,
    status: watch::Sender<BreakerStatus>,
    state: StateGauge,
    mode: StateGauge,
    transitions: [(BreakerState, Counter); 3],
    succeeded: Counter,
    failed: Counter,
    slow: Counter,
    neutral: Counter,
    rejected: Counter,
}

impl Observer {
    pub(super) fn new(name: &str, telemetry: Telemetry, now: Instant) -> Self {
        let calls = |outcome| telemetry.counter(&names::BREAKER_CALLS, &[name, outcome]);
        let entered = |state: BreakerState| {
            let labels = [name, state.as_str()];
            (
                state,
                telemetry.counter(&names::BREAKER_TRANSITIONS, &labels),
            )
        };
        let state = telemetry.states(&names::BREAKER_STATE, name, &BreakerState::NAMES);
        state.set(BreakerState::Closed.as_str());
        let mode = telemetry.states(&names::BREAKER_MODE, name, &Mode::NAMES);
        mode.set(Mode::Automatic.as_str());
        let status = BreakerStatus {
            state: BreakerState::Closed,
            mode: Mode::Automatic,
            since: now,
            ramp: None,
        };
        Self {
            name: name.to_owned(),
            status: watch::Sender::new(status),
            state,
            mode,
            transitions: [
                entered(BreakerState::Closed),
                entered(BreakerState::Open),
                entered(BreakerState::HalfOpen),
            ],
            succeeded: calls("success"),
            failed: calls("failure"),
            slow: calls("slow"),
            neutral: calls("neutral"),
            rejected: calls("rejected"),
            telemetry,
        }
    }

    /// Takes the metrics of a breaker away that is given up.
    pub(super) fn forget(&self) {
        let families = [
            &names::BREAKER_STATE,
            &names::BREAKER_MODE,
            &names::BREAKER_CALLS,
            &names::BREAKER_TRANSITIONS,
        ];
        for family in families {
            self.telemetry.forget(family, &self.name);
        }
    }

    pub(super) fn watch(&self) -> watch::Receiver<BreakerStatus> {
        self.status.subscribe()
    }

    pub(super) fn transition(&self, transition: Transition, machine: &Machine, now: Instant) {
        self.status.send_replace(BreakerStatus {
            state: transition.to,
            mode: machine.mode(),
            since: now,
            ramp: machine.ramp(),
        });
        self.state.set(transition.to.as_str());
        for (state, counter) in &self.transitions {
            if *state == transition.to {
                counter.increment();
            }
        }
        self.telemetry.emit(Event::BreakerTransition {
            client: self.name.clone(),
            from: transition.from,
            to: transition.to,
            reason: transition.reason.as_str().to_owned(),
        });
    }

    /// Other rules are in force: a ramp went back to its probes.
    pub(super) fn reconfigured(&self) {
        self.status
            .send_if_modified(|status| status.ramp.take().is_some());
    }

    pub(super) fn mode(&self, mode: Mode) {
        self.mode.set(mode.as_str());
    }

    /// The breaker only watches, and its rules would have opened it.
    pub(super) fn would_open(&self, reason: TransitionReason) {
        self.telemetry.emit(Event::BreakerWouldOpen {
            client: self.name.clone(),
            reason: reason.as_str().to_owned(),
        });
    }

    /// A call ended; one that was slow and did not fail is counted as slow alone.
    #[inline]
    pub(super) fn ended(&self, ending: Ending) {
        let counter = match ending {
            Ending::Counted(sample) if sample.failure => &self.failed,
            Ending::Counted(sample) if sample.slow => &self.slow,
            Ending::Counted(_) => &self.succeeded,
            Ending::Neutral => &self.neutral,
        };
        counter.increment();
    }

    pub(super) fn rejected(&self) {
        self.rejected.increment();
        self.telemetry.tell(|| Event::Rejected {
            name: self.name.clone(),
            by: "breaker".to_owned(),
            reason: Reason::Open.as_str().to_owned(),
        });
    }
}
