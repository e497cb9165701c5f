//! The states of a breaker and the moves between them: pure, with the clock as an argument.

use std::time::Duration;

use tokio::time::Instant;

use super::config::BoxBackoff;
use super::half_open::{HalfOpen, Judgement, Place, ProbeRules};
use super::policy::{Policy, TransitionReason};
use super::window::Sample;
use crate::telemetry::BreakerState as State;

/// A move from one state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Transition {
    pub(super) from: State,
    pub(super) to: State,
    pub(super) reason: TransitionReason,
}

/// The right to one call. Every change of state begins a generation, and only results of
/// the present one count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Permit {
    pub(super) generation: u64,
}

/// Why a call may not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Open, or half-open with every place taken.
    pub(super) state: State,
    /// When the breaker left the closed state.
    pub(super) since: Instant,
    /// When the next probe is admitted: `None` while probes are under way, or if the
    /// backoff lies beyond the end of time.
    pub(super) probe_at: Option<Instant>,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Counted(Sample),
    /// It says nothing about the dependency.
    Neutral,
}

#[derive(Debug)]
enum Phase {
    Closed,
    Open {
        since: Instant,
        probe_at: Option<Instant>,
    },
    HalfOpen {
        since: Instant,
        half_open: HalfOpen,
    },
}

/// The whole breaker without locks, clocks and services.
pub(super) struct Machine {
    phase: Phase,
    generation: u64,
    policy: Policy,
    rules: ProbeRules,
    fresh_backoff: BoxBackoff,
    backoff: BoxBackoff,
    /// What the backoff said last: it goes on saying it when the iterator has ended.
    last_pause: Duration,
}

/// The pause of a backoff that has no first element.
const PAUSE_WITHOUT_BACKOFF: Duration = Duration::from_secs(5);

impl Machine {
    pub(super) fn new(policy: Policy, rules: ProbeRules, backoff: BoxBackoff) -> Self {
        Self {
            phase: Phase::Closed,
            generation: 0,
            policy,
            rules,
            fresh_backoff: backoff.clone(),
            backoff,
            last_pause: PAUSE_WITHOUT_BACKOFF,
        }
    }

    pub(super) const fn state(&self) -> State {
        match self.phase {
            Phase::Closed => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen { .. } => State::HalfOpen,
        }
    }

    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Asks for the right to a call at `now`.
    pub(super) fn admit(&mut self, now: Instant) -> (Result<Permit, Refusal>, Option<Transition>) {
        match &mut self.phase {
            Phase::Closed => (Ok(self.permit()), None),
            Phase::Open { since, probe_at } => {
                let since = *since;
                let refusal = Refusal {
                    state: State::Open,
                    since,
                    probe_at: *probe_at,
                };
                if probe_at.is_none_or(|probe_at| now < probe_at) {
                    return (Err(refusal), None);
                }
                let mut half_open = HalfOpen::new(self.rules, now);
                half_open.take_place(now);
                let phase = Phase::HalfOpen { since, half_open };
                let transition = self.enter(phase, TransitionReason::BackoffOver);
                (Ok(self.permit()), Some(transition))
            }
            Phase::HalfOpen { since, half_open } => {
                let since = *since;
                match half_open.take_place(now) {
                    Place::Taken => (Ok(self.permit()), None),
                    Place::AllOccupied => {
                        let refusal = Refusal {
                            state: State::HalfOpen,
                            since,
                            probe_at: None,
                        };
                        (Err(refusal), None)
                    }
                    Place::Overdue => {
                        let (refusal, transition) =
                            self.reopen(since, TransitionReason::ProbesOverdue, now);
                        (Err(refusal), Some(transition))
                    }
                }
            }
        }
    }

    /// Takes note of the end of a call at `now`.
    pub(super) fn settle(
        &mut self,
        permit: Permit,
        ending: Ending,
        now: Instant,
    ) -> Option<Transition> {
        if permit.generation != self.generation {
            return None;
        }
        match (&mut self.phase, ending) {
            (Phase::Closed, Ending::Counted(sample)) => {
                let trip = self.policy.record(sample, now)?;
                let pause = trip.open_for.unwrap_or_else(|| self.next_pause());
                let (_, transition) = self.open(now, pause, trip.reason, now);
                Some(transition)
            }
            (Phase::HalfOpen { since, half_open }, Ending::Counted(sample)) => {
                let since = *since;
                match half_open.judge(sample, now) {
                    Judgement::Undecided => None,
                    Judgement::Close => Some(self.close()),
                    Judgement::Reopen => {
                        let (_, transition) =
                            self.reopen(since, TransitionReason::ProbesFailed, now);
                        Some(transition)
                    }
                }
            }
            (Phase::HalfOpen { half_open, .. }, Ending::Neutral) => {
                half_open.give_back();
                None
            }
            (Phase::Closed, Ending::Neutral) | (Phase::Open { .. }, _) => None,
        }
    }

    const fn permit(&self) -> Permit {
        Permit {
            generation: self.generation,
        }
    }

    fn close(&mut self) -> Transition {
        self.policy.revived();
        self.backoff = self.fresh_backoff.clone();
        self.enter(Phase::Closed, TransitionReason::ProbesSucceeded)
    }

    fn reopen(
        &mut self,
        since: Instant,
        reason: TransitionReason,
        now: Instant,
    ) -> (Refusal, Transition) {
        let of_policy = self.policy.open_again_for();
        let pause = of_policy.unwrap_or_else(|| self.next_pause());
        self.open(since, pause, reason, now)
    }

    fn open(
        &mut self,
        since: Instant,
        pause: Duration,
        reason: TransitionReason,
        now: Instant,
    ) -> (Refusal, Transition) {
        let probe_at = now.checked_add(pause);
        let transition = self.enter(Phase::Open { since, probe_at }, reason);
        let refusal = Refusal {
            state: State::Open,
            since,
            probe_at,
        };
        (refusal, transition)
    }

    fn enter(&mut self, phase: Phase, reason: TransitionReason) -> Transition {
        let from = self.state();
        self.phase = phase;
        self.generation += 1;
        Transition {
            from,
            to: self.state(),
            reason,
        }
    }

    fn next_pause(&mut self) -> Duration {
        if let Some(pause) = self.backoff.next() {
            self.last_pause = pause;
        }
        self.last_pause
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use proptest::prelude::*;

    use super::*;
    use crate::circuit_breaker::{CircuitBreakerConfig, Window};

    const PROBES: u32 = 3;
    const PAUSE: Duration = Duration::from_secs(2);
    const DEADLINE: Duration = Duration::from_secs(5);

    fn machine(start: Instant) -> Machine {
        CircuitBreakerConfig::new()
            .window(Window::count(8))
            .minimum_calls(2)
            .slow_calls(Duration::from_secs(1), 0.5)
            .probes(PROBES)
            .half_open_deadline(DEADLINE)
            .backoff(iter::repeat(PAUSE))
            .machine(0, start)
    }

    #[derive(Debug, Clone)]
    enum Step {
        Wait(Duration),
        Call,
        End(prop::sample::Index, Ending),
    }

    fn step() -> impl Strategy<Value = Step> {
        let counted = (any::<bool>(), any::<bool>())
            .prop_map(|(failure, slow)| Ending::Counted(Sample { failure, slow }));
        let ending = prop_oneof![3 => counted, 1 => Just(Ending::Neutral)];
        prop_oneof![
            1 => (0_u64..3_000).prop_map(|ms| Step::Wait(Duration::from_millis(ms))),
            3 => Just(Step::Call),
            2 => (any::<prop::sample::Index>(), ending)
                .prop_map(|(which, ending)| Step::End(which, ending)),
        ]
    }

    proptest! {
        #[test]
        fn probes_are_bounded_stale_results_change_nothing_and_nothing_wedges(
            steps in prop::collection::vec(step(), 0..200),
        ) {
            let mut now = Instant::now();
            let mut machine = machine(now);
            let mut under_way: Vec<Permit> = Vec::new();
            for step in steps {
                let generation = machine.generation();
                match step {
                    Step::Wait(time) => now += time,
                    Step::Call => {
                        let (decision, transition) = machine.admit(now);
                        prop_assert_eq!(transition.is_some(), generation != machine.generation());
                        match machine.state() {
                            State::Closed => prop_assert!(decision.is_ok()),
                            State::Open => prop_assert!(decision.is_err()),
                            State::HalfOpen => {}
                        }
                        under_way.extend(decision.ok());
                    }
                    Step::End(which, ending) if !under_way.is_empty() => {
                        let permit = under_way.swap_remove(which.index(under_way.len()));
                        let before = format!("{:?}", (&machine.phase, &machine.policy));
                        let transition = machine.settle(permit, ending, now);
                        if permit.generation != generation {
                            prop_assert_eq!(transition, None);
                            let after = format!("{:?}", (&machine.phase, &machine.policy));
                            prop_assert_eq!(before, after);
                        }
                    }
                    Step::End(..) => {}
                }
                if machine.state() == State::HalfOpen {
                    let present = machine.generation();
                    let probing = |permit: &&Permit| permit.generation == present;
                    prop_assert!(under_way.iter().filter(probing).count() <= PROBES as usize);
                }
            }
            // However it stands, and though nothing ends any more: a call gets through.
            let mut patience = (1..=2).map(|times| now + (DEADLINE + PAUSE) * times);
            prop_assert!(patience.any(|later| machine.admit(later).0.is_ok()));
        }
    }
}
