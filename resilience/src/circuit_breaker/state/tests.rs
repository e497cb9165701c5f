//! The machine alone: any order of calls, ends, words of an operator and time.

use std::iter;

use failsafe::{backoff, failure_policy};
use proptest::prelude::*;

use super::super::rule::Rule;
use super::*;
use crate::circuit_breaker::{CircuitBreakerConfig, Window};

const PROBES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(2);
const DEADLINE: Duration = Duration::from_secs(5);
const RAMP: Duration = Duration::from_secs(4);
const BAD: Sample = Sample {
    failure: true,
    slow: false,
};
const GOOD: Sample = Sample {
    failure: false,
    slow: false,
};

fn config() -> CircuitBreakerConfig {
    CircuitBreakerConfig::new()
        .window(Window::count(8))
        .minimum_calls(2)
        .slow_calls(Duration::from_secs(1), 0.5)
        .probes(PROBES)
        .half_open_deadline(DEADLINE)
        .backoff(iter::repeat(PAUSE))
}

fn machine(ramp: Option<Duration>) -> Machine {
    Machine::new(config().ramp(ramp).machine_rules(0))
}

#[derive(Debug, Clone)]
enum Step {
    Wait(Duration),
    Call,
    End(prop::sample::Index, Ending),
    Trip,
    Switch(Mode),
    Reset,
    Reconfigure,
}

fn step() -> impl Strategy<Value = Step> {
    let counted = (any::<bool>(), any::<bool>())
        .prop_map(|(failure, slow)| Ending::Counted(Sample { failure, slow }));
    let ending = prop_oneof![3 => counted, 1 => Just(Ending::Neutral)];
    let mode = prop_oneof![
        4 => Just(Mode::Automatic),
        1 => Just(Mode::ForcedOpen),
        1 => Just(Mode::ForcedClosed),
        1 => Just(Mode::Disabled),
        1 => Just(Mode::MetricsOnly),
    ];
    prop_oneof![
        4 => (0_u64..3_000).prop_map(|ms| Step::Wait(Duration::from_millis(ms))),
        12 => Just(Step::Call),
        8 => (any::<prop::sample::Index>(), ending)
            .prop_map(|(which, ending)| Step::End(which, ending)),
        3 => Just(Step::Trip),
        1 => mode.prop_map(Step::Switch),
        1 => Just(Step::Reset),
        1 => Just(Step::Reconfigure),
    ]
}

proptest! {
    #[test]
    fn probes_are_bounded_stale_results_change_nothing_and_nothing_wedges(
        steps in prop::collection::vec(step(), 0..200),
        with_ramp in any::<bool>(),
    ) {
        let ramp = with_ramp.then_some(RAMP);
        let mut now = Instant::now();
        let mut machine = machine(ramp);
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
                    let before = format!("{:?}", machine.phase);
                    let transition = machine.settle(permit, ending, now);
                    if permit.generation() != generation {
                        prop_assert_eq!(transition, None);
                        prop_assert_eq!(before, format!("{:?}", machine.phase));
                    }
                }
                Step::End(..) => {}
                Step::Trip => {
                    let stale = generation.wrapping_sub(1);
                    prop_assert_eq!(machine.trip(stale, TransitionReason::FailureRate, now), None);
                    let state = machine.state();
                    let trip = machine.trip(generation, TransitionReason::FailureRate, now);
                    let expected = match trip {
                        Some(Trip::Opened(_)) => State::Open,
                        _ => state,
                    };
                    prop_assert_eq!(machine.state(), expected);
                }
                Step::Switch(mode) => {
                    machine.switch(mode, now);
                    prop_assert_eq!(machine.mode(), mode);
                }
                Step::Reset => {
                    machine.reset();
                    prop_assert_eq!((machine.state(), machine.mode()), (State::Closed, Mode::Automatic));
                }
                Step::Reconfigure => {
                    let state = machine.state();
                    machine.adopt(config().ramp(ramp).machine_rules(0), now);
                    prop_assert_eq!(machine.state(), state);
                }
            }
            if let Phase::HalfOpen { .. } = machine.phase {
                let present = machine.generation();
                let probing = |permit: &&Permit| permit.generation() == present;
                prop_assert!(under_way.iter().filter(probing).count() <= PROBES as usize);
            }
        }
        // However it stands, and though nothing ends any more: a call gets through, unless an
        // operator does not want it.
        if machine.mode() == Mode::ForcedOpen {
            prop_assert!(machine.admit(now + DEADLINE * 1_000).0.is_err());
            return Ok(());
        }
        let mut patience = (1..=2).map(|times| now + (DEADLINE + PAUSE) * times);
        prop_assert!(patience.any(|later| machine.admit(later).0.is_ok()));
    }
}

fn trip(machine: &mut Machine, now: Instant) {
    let generation = machine.generation();
    let trip = machine.trip(generation, TransitionReason::FailureRate, now);
    assert!(matches!(trip, Some(Trip::Opened(_))));
}

/// Brings a tripped machine through its probes.
fn probe(machine: &mut Machine, now: Instant) {
    for _ in 0..PROBES {
        let permit = machine.admit(now).0.unwrap();
        machine.settle(permit, Ending::Counted(GOOD), now);
    }
}

#[test]
fn a_ramp_admits_a_growing_share_and_closes() {
    let start = Instant::now();
    let mut machine = machine(Some(RAMP));
    trip(&mut machine, start);
    let back = start + PAUSE;
    probe(&mut machine, back);
    assert_eq!(machine.state(), State::HalfOpen);
    let mut admitted_of_100 = |at: Instant| {
        let admitted = (0..100).filter(|_| machine.admit(at).0.is_ok());
        admitted.count()
    };
    assert_eq!(admitted_of_100(back), 10);
    assert!((54..=56).contains(&admitted_of_100(back + RAMP / 2)));
    assert_eq!(admitted_of_100(back + RAMP), 100);
    assert_eq!(machine.state(), State::Closed);
}

#[test]
fn failures_on_the_ramp_reopen_and_late_ones_do_not() {
    let start = Instant::now();
    let mut machine = machine(Some(RAMP));
    trip(&mut machine, start);
    let back = start + PAUSE;
    probe(&mut machine, back);
    let late = back + RAMP / 2;
    let permits: Vec<Permit> = (0..20)
        .filter_map(|_| machine.admit(late).0.ok())
        .take(4)
        .collect();
    for permit in &permits[..3] {
        machine.settle(*permit, Ending::Counted(BAD), late);
    }
    assert_eq!(machine.state(), State::Open);
    assert_eq!(machine.settle(permits[3], Ending::Counted(BAD), late), None);
}

#[test]
fn back_from_forced_open_probes_decide() {
    let now = Instant::now();
    let mut machine = machine(None);
    machine.switch(Mode::ForcedOpen, now);
    assert!(machine.admit(now + DEADLINE * 100).0.is_err());
    machine.switch(Mode::Automatic, now);
    assert_eq!(machine.state(), State::Open);
    probe(&mut machine, now);
    assert_eq!(machine.state(), State::Closed);
}

#[test]
fn a_failsafe_policy_decides_and_says_for_how_long() {
    let pause = Duration::from_secs(7);
    let two = move || failure_policy::consecutive_failures(2, backoff::constant(pause));
    let config = config().opens_by(Rule::failsafe(two));
    let mut machine = Machine::new(config.machine_rules(0));
    let now = Instant::now();
    assert_eq!(machine.consult(0, BAD, now), None);
    assert_eq!(machine.consult(0, GOOD, now), None);
    assert_eq!(machine.consult(0, BAD, now), None);
    let slow = Sample {
        failure: false,
        slow: true,
    };
    assert!(matches!(
        machine.consult(0, slow, now),
        Some(Trip::Opened(Transition {
            reason: TransitionReason::Policy,
            ..
        }))
    ));
    let refusal = machine.admit(now).0.unwrap_err();
    let probe_at = Some(now + pause);
    assert_eq!(refusal.why, Why::Waiting { probe_at });
}
