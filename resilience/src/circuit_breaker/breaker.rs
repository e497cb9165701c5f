//! The shared breaker: how a call gets in, how its end is counted, how a change is published.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::clock::Clock;
use super::config::CircuitBreakerConfig;
use super::error::{CircuitOpen, Obstacle};
use super::gate::{Gate, Permit, Span, Way};
use super::mode::Mode;
use super::observer::Observer;
use super::origin::{Nanos, Origin};
use super::reason::TransitionReason;
use super::rules::Rules;
use super::state::{Ending, Machine, Transition, Trip};
use super::window::{Sample, SlidingWindow, Totals};
use crate::classify::Outcome;
use crate::config::ConfigError;
use crate::telemetry::BreakerState as State;

/// What every handle and every service of a breaker shares.
pub(super) struct Breaker {
    circuit: Mutex<Arc<Circuit>>,
    seed: u64,
}

impl Breaker {
    pub(super) fn new(
        name: Arc<str>,
        config: &CircuitBreakerConfig,
        seed: u64,
        observer: Observer,
    ) -> Self {
        let now = Instant::now();
        let rules = config.rules(None, 0, now);
        let core = Core {
            counted: Mutex::new(rules.window()),
            gate: Gate::new(),
            origin: Arc::new(Origin::new(name, now)),
            machine: Mutex::new(Machine::new(config.machine_rules(seed))),
            observer,
        };
        let circuit = Circuit {
            core: Arc::new(core),
            rules,
        };
        Self {
            circuit: Mutex::new(Arc::new(circuit)),
            seed,
        }
    }

    /// The breaker under the present rules.
    #[inline(never)]
    pub(super) fn circuit(&self) -> Arc<Circuit> {
        Arc::clone(&self.circuit.lock())
    }

    /// Puts other rules in force, in the same state.
    pub(super) fn reconfigure(&self, config: &CircuitBreakerConfig) -> Result<(), ConfigError> {
        config.check()?;
        let now = Instant::now();
        let mut circuit = self.circuit.lock();
        let core = Arc::clone(&circuit.core);
        let mut machine = core.machine.lock();
        // The gate first: calls of the old generation do not count any more, so nothing is
        // added to a window while its calls are handed over.
        machine.adopt(config.machine_rules(self.seed), now);
        let (generation, version) = (machine.generation(), circuit.rules.version.wrapping_add(1));
        let rules = core.gate.turn(generation, version, || {
            let rules = config.rules(Some(&circuit.rules), generation, now);
            *core.counted.lock() = rules.window();
            rules
        });
        core.open_gate(&machine, version);
        core.observer.reconfigured();
        *circuit = Arc::new(Circuit {
            core: Arc::clone(&core),
            rules,
        });
        Ok(())
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.circuit().fmt(formatter)
    }
}

/// What lasts as long as the breaker.
struct Core {
    gate: Gate,
    origin: Arc<Origin>,
    machine: Mutex<Machine>,
    /// The window of the rules in force, which is forgotten by whoever begins a new count: that
    /// may be a call that still knows earlier rules.
    counted: Mutex<Option<Arc<SlidingWindow>>>,
    observer: Observer,
}

impl Core {
    /// Forgets every call. Failures in a row need no word: they belong to a generation.
    fn forget(&self) {
        if let Some(window) = &*self.counted.lock() {
            window.clear();
        }
    }

    /// Tells calls what they have to do from now on; under the lock.
    fn open_gate(&self, machine: &Machine, version: u32) {
        let generation = machine.generation();
        let Some((way, since, until)) = machine.standing_refusal() else {
            return self.gate.publish(generation, version, machine.way());
        };
        let span = Span {
            since: self.origin.nanos(since).0,
            until: until
                .map_or(Nanos::NEVER, |until| self.origin.nanos(until))
                .0,
        };
        self.gate.refuse(generation, version, way, span);
    }
}

/// A breaker together with one version of its rules. Services keep the newest they know.
pub(super) struct Circuit {
    core: Arc<Core>,
    rules: Rules,
}

impl Circuit {
    pub(super) fn name(&self) -> &str {
        self.core.origin.name()
    }

    pub(super) fn state(&self) -> State {
        self.core.machine.lock().state()
    }

    pub(super) fn mode(&self) -> Mode {
        self.core.machine.lock().mode()
    }

    pub(super) fn totals(&self) -> Option<Totals> {
        self.rules.totals(Instant::now())
    }

    pub(super) fn observer(&self) -> &Observer {
        &self.core.observer
    }

    /// Whether an operator has put other rules in force.
    pub(super) fn is_outdated(&self) -> bool {
        self.core.gate.read().version() != self.rules.version
    }

    /// Whether a call would pass without asking the state machine.
    pub(super) fn passes(&self) -> bool {
        self.core.gate.read().passes()
    }

    /// Asks for the right to a call.
    #[inline]
    pub(super) fn permit(&self) -> Result<Permit, CircuitOpen> {
        let permit = self.core.gate.read();
        if permit.passes() {
            return Ok(permit);
        }
        match self.refuse(permit) {
            Some(open) => Err(open),
            None => self.ask(),
        }
    }

    /// The rejection of a call that finds the gate so, where it need not ask the state machine:
    /// the clock, a counter and a reference to the name.
    #[inline]
    fn refuse(&self, refusal: Permit) -> Option<CircuitOpen> {
        let way = refusal.way();
        if way == Way::Ask {
            return None;
        }
        let Span { since, until } = self.core.gate.span(refusal)?;
        let now = self.core.origin.nanos(Instant::now());
        if now >= Nanos(until) {
            return None;
        }
        let obstacle = match way {
            Way::Waiting => Obstacle::Waiting {
                probe_at: Nanos(until),
            },
            Way::Probing => Obstacle::Probing,
            _ => Obstacle::Forced,
        };
        self.core.observer.rejected();
        let origin = Arc::clone(&self.core.origin);
        Some(CircuitOpen::new(origin, obstacle, Nanos(since), now))
    }

    /// The time at which a call begins, where slow calls count.
    #[inline]
    pub(super) fn start(&self, permit: Permit) -> Option<Instant> {
        let counts_time = self.rules.slow_threshold.is_some() && !permit.is(Way::Unseen);
        counts_time.then(Instant::now)
    }

    /// The right to a call where nothing stands in the way and these are the rules in force.
    #[inline]
    pub(super) fn pass(&self) -> Option<Permit> {
        let permit = self.core.gate.read();
        let passes = permit.passes() && permit.version() == self.rules.version;
        passes.then_some(permit)
    }

    #[inline(never)]
    fn ask(&self) -> Result<Permit, CircuitOpen> {
        let now = Instant::now();
        let mut machine = self.core.machine.lock();
        let (decision, transition) = machine.admit(now);
        self.publish(&machine, transition, now);
        drop(machine);
        decision.map_err(|refusal| {
            self.core.observer.rejected();
            let origin = &self.core.origin;
            CircuitOpen::refused(origin, refusal, origin.nanos(now))
        })
    }

    pub(super) fn switch(&self, mode: Mode) {
        let now = Instant::now();
        let mut machine = self.core.machine.lock();
        let transition = machine.switch(mode, now);
        self.core.observer.mode(mode);
        self.publish(&machine, transition, now);
    }

    pub(super) fn reset(&self) {
        let now = Instant::now();
        let mut machine = self.core.machine.lock();
        let transition = machine.reset();
        self.core.observer.mode(Mode::Automatic);
        self.publish(&machine, Some(transition), now);
    }

    #[inline]
    fn settle(&self, permit: Permit, ending: Ending, clock: &mut Clock) {
        if permit.is(Way::Unseen) {
            return;
        }
        self.core.observer.ended(ending);
        match ending {
            Ending::Counted(sample) if permit.is(Way::Counted) => {
                self.count(permit, sample, clock);
            }
            _ if permit.is(Way::Ask) => self.tell(permit, ending, clock.now()),
            _ => {}
        }
    }

    #[inline(never)]
    fn tell(&self, permit: Permit, ending: Ending, now: Instant) {
        let mut machine = self.core.machine.lock();
        let transition = machine.settle(permit, ending, now);
        self.publish(&machine, transition, now);
    }

    /// Whether the probe of this permit, whose head came at `since`, is settled by the part of
    /// its body that has come now: it was good.
    fn delivers(&self, permit: Permit, since: Instant, clock: &mut Clock) -> bool {
        let now = clock.now();
        let mut machine = self.core.machine.lock();
        let is_proved = machine.delivers(permit, since, now);
        self.publish(&machine, None, now);
        is_proved
    }

    #[inline]
    fn count(&self, permit: Permit, sample: Sample, clock: &mut Clock) {
        let generation = permit.generation();
        if !self.core.gate.is_in(generation) {
            return;
        }
        let verdict = self
            .rules
            .record(generation, sample, clock, &self.core.gate);
        if verdict.is_some() || self.rules.asks_failsafe {
            self.judge(generation, sample, verdict, clock);
        }
    }

    /// Opens, if the rules or the policies of failsafe say so.
    #[inline(never)]
    fn judge(
        &self,
        generation: u32,
        sample: Sample,
        verdict: Option<TransitionReason>,
        clock: &mut Clock,
    ) {
        let now = clock.now();
        let mut machine = self.core.machine.lock();
        let consulted = machine.consult(generation, sample, now);
        let trip = match (consulted, verdict) {
            (None, Some(reason)) => machine.trip(generation, reason, now),
            (consulted, _) => consulted,
        };
        match trip {
            Some(Trip::Opened(transition)) => self.publish(&machine, Some(transition), now),
            Some(Trip::WouldOpen(reason)) => {
                self.change_gate(&machine);
                self.core.observer.would_open(reason);
            }
            None => {}
        }
    }

    /// Tells the gate and the observer about a transition; under the lock, so that they
    /// see transitions in the order in which they happen. Without one only the places of probes
    /// may have changed.
    fn publish(&self, machine: &Machine, transition: Option<Transition>, now: Instant) {
        let Some(transition) = transition else {
            if machine.way() == Way::Ask {
                let version = self.core.gate.read().version();
                self.core.open_gate(machine, version);
            }
            return;
        };
        self.change_gate(machine);
        self.core.observer.transition(transition, machine, now);
    }

    /// Where calls are counted from now on, the window forgets what it holds, and the gate has
    /// left the generation that filled it before: see [`super::window`].
    fn change_gate(&self, machine: &Machine) {
        let (gate, generation, version) = (
            &self.core.gate,
            machine.generation(),
            self.core.gate.read().version(),
        );
        if machine.way() == Way::Counted {
            gate.turn(generation, version, || self.core.forget());
        }
        self.core.open_gate(machine, version);
    }
}

impl fmt::Debug for Circuit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Breaker")
            .field("name", &self.name())
            .field("state", &self.state())
            .field("mode", &self.mode())
            .finish_non_exhaustive()
    }
}

/// The right to one call. Dropped without an outcome, it says that the call was cancelled.
///
/// Three values without gaps between them: each call moves it a few times, and parts of a value
/// that are written and read in different widths would cost more than everything else here.
#[derive(Debug)]
pub(super) struct CallGuard<C: Deref<Target = Circuit> = Arc<Circuit>> {
    circuit: C,
    permit: Permit,
    started: Option<Instant>,
}

impl<C: Deref<Target = Circuit>> CallGuard<C> {
    #[inline]
    pub(super) fn begin(circuit: C, permit: Permit) -> Self {
        let started = circuit.start(permit);
        Self::new(circuit, permit, started)
    }

    /// Of a call that began when `started` was read.
    #[inline]
    pub(super) const fn new(circuit: C, permit: Permit, started: Option<Instant>) -> Self {
        Self {
            circuit,
            permit,
            started,
        }
    }

    /// The call ended. What is said after the first time is not heard.
    #[inline]
    pub(super) fn settle(&mut self, outcome: Outcome) {
        let mut clock = Clock::default();
        let ending = match outcome {
            Outcome::Success => self.counted(false, &mut clock),
            Outcome::Failure => self.counted(true, &mut clock),
            Outcome::Neutral => Ending::Neutral,
        };
        self.circuit.settle(self.permit, ending, &mut clock);
        self.permit = Permit::SPENT;
    }

    /// Whether the state machine decides about the call.
    pub(super) fn asks(&self) -> bool {
        self.permit.way() == Way::Ask
    }

    /// A part of the body has come whose head came at `since`. Whether the call is settled by it.
    pub(super) fn delivers(&mut self, since: Instant) -> bool {
        let is_proved = self
            .circuit
            .delivers(self.permit, since, &mut Clock::default());
        if is_proved {
            self.settle(Outcome::Success);
        }
        is_proved
    }

    /// After how long without a part of its body the call has failed.
    pub(super) fn stalled_after(&self) -> Option<Duration> {
        self.circuit.rules.stalled_after
    }

    #[cold]
    fn cancel(&mut self) {
        let mut clock = Clock::default();
        // Whoever gave up may just have had no time; but after the slow threshold the
        // dependency is to blame, or callers less patient than it would hide its slowness.
        let ending = if self.is_slow(&mut clock) {
            self.counted(false, &mut clock)
        } else {
            Ending::Neutral
        };
        self.circuit.settle(self.permit, ending, &mut clock);
    }

    #[inline]
    fn counted(&self, failure: bool, clock: &mut Clock) -> Ending {
        let slow = self.is_slow(clock);
        Ending::Counted(Sample { failure, slow })
    }

    #[inline]
    fn is_slow(&self, clock: &mut Clock) -> bool {
        let threshold = self.circuit.rules.slow_threshold;
        let (Some(started), Some(threshold)) = (self.started, threshold) else {
            return false;
        };
        // Cheaper than the difference of two times.
        started
            .checked_add(threshold)
            .is_some_and(|slow_from| clock.now() >= slow_from)
    }
}

impl<C: Deref<Target = Circuit>> Drop for CallGuard<C> {
    #[inline]
    fn drop(&mut self) {
        if !self.permit.is(Way::Unseen) {
            self.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::iter;
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;
    use crate::telemetry::Telemetry;

    const PAUSE: Duration = Duration::from_secs(2);

    /// Opens at the first failure, for two seconds, with one probe.
    fn circuit() -> Arc<Circuit> {
        let config = CircuitBreakerConfig::new()
            .consecutive_failures(1)
            .probes(1)
            .backoff(iter::repeat(PAUSE));
        let observer = Observer::new("bench", Telemetry::default(), Instant::now());
        Breaker::new("bench".into(), &config, 0, observer).circuit()
    }

    fn fail(circuit: &Arc<Circuit>) {
        let permit = circuit.permit().unwrap();
        CallGuard::begin(Arc::clone(circuit), permit).settle(Outcome::Failure);
    }

    /// The lock is held by this very thread: whoever asks for it hangs.
    fn rejection_without_lock(circuit: &Circuit) -> CircuitOpen {
        let _held = circuit.core.machine.lock();
        circuit.permit().unwrap_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_rejection_takes_no_lock_whatever_its_reason() {
        let circuit = circuit();
        let opened_at = Instant::now();
        fail(&circuit);
        advance(PAUSE / 2).await;
        let open = rejection_without_lock(&circuit);
        assert_eq!(open.since(), opened_at);
        assert_eq!(open.probe_at(), Some(opened_at + PAUSE));
        assert_eq!(open.open_for(), PAUSE / 2);

        advance(PAUSE / 2).await;
        let probe = circuit.permit().unwrap();
        let probing = rejection_without_lock(&circuit);
        assert!(probing.is_probing());
        assert_eq!(probing.since(), opened_at);
        drop(CallGuard::begin(Arc::clone(&circuit), probe));
        // The place is free again.
        fail(&circuit);

        circuit.switch(Mode::ForcedOpen);
        let forced = rejection_without_lock(&circuit);
        assert!(forced.is_forced());
        assert_eq!(forced.probe_at(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_call_after_the_pause_probes_and_the_second_is_refused() {
        let circuit = circuit();
        fail(&circuit);
        advance(PAUSE.checked_sub(Duration::from_nanos(1)).unwrap()).await;
        rejection_without_lock(&circuit);
        advance(Duration::from_nanos(1)).await;
        circuit.permit().unwrap();
        rejection_without_lock(&circuit);
    }
}
