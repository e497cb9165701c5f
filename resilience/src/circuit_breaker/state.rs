//! The states of a breaker and the moves between them: pure, with the clock as an argument.
//!
//! Closed is the state in which this machine has least to do: calls pass it by at the
//! [gate](super::gate), are counted by the [rules](super::rules), and only their verdict
//! comes here, as a [`trip`](Machine::trip).

use std::time::Duration;

use tokio::time::Instant;

use super::backoff::Pauses;
use super::gate::{Permit, Way};
use super::half_open::{HalfOpen, Judgement, Place, ProbeRules};
use super::mode::Mode;
use super::ramp::Ramp;
use super::reason::TransitionReason;
use super::rule::Policy;
use super::window::Sample;
use crate::telemetry::BreakerState as State;

/// A move from one state to another, or to the same one anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Transition {
    pub(super) from: State,
    pub(super) to: State,
    pub(super) reason: TransitionReason,
}

/// What a verdict against the dependency came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trip {
    /// The breaker opened.
    Opened(Transition),
    /// It would have, were it allowed to.
    WouldOpen(TransitionReason),
}

/// Why a call may not pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Refusal {
    pub(super) why: Why,
    /// When the breaker left the closed state.
    pub(super) since: Instant,
}

/// What stands in the way of a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Why {
    /// The backoff is not over. Without a time it lies beyond the end of time.
    Waiting { probe_at: Option<Instant> },
    /// Every probe is under way.
    Probing,
    /// Only a growing share of the calls is admitted yet, above 0 and below 1.
    Recovering { share: f64 },
    /// An operator wants it so.
    Forced,
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
    Ramping {
        since: Instant,
        ramp: Ramp,
    },
}

/// What of the configuration the machine needs.
pub(super) struct MachineRules {
    pub(super) probes: ProbeRules,
    /// Over how long the admitted share grows after good probes.
    pub(super) ramp: Option<Duration>,
    pub(super) pauses: Pauses,
    pub(super) policies: Vec<Policy>,
}

impl MachineRules {
    /// Goes on where `before` was: at the same pause of the backoff, and with the policies of
    /// failsafe that both have in common.
    fn resume(&mut self, before: &mut Self) {
        self.pauses.resume(&before.pauses);
        for policy in &mut self.policies {
            policy.resume(&mut before.policies);
        }
    }
}

/// The whole breaker without locks, clocks and services.
pub(super) struct Machine {
    phase: Phase,
    mode: Mode,
    generation: u32,
    rules: MachineRules,
}

impl Machine {
    pub(super) const fn new(rules: MachineRules) -> Self {
        Self {
            phase: Phase::Closed,
            mode: Mode::Automatic,
            generation: 0,
            rules,
        }
    }

    /// A ramp is a part of half-open.
    pub(super) const fn state(&self) -> State {
        match (self.mode, &self.phase) {
            (Mode::ForcedOpen, _) | (Mode::Automatic, Phase::Open { .. }) => State::Open,
            (Mode::Automatic, Phase::HalfOpen { .. } | Phase::Ramping { .. }) => State::HalfOpen,
            _ => State::Closed,
        }
    }

    pub(super) const fn mode(&self) -> Mode {
        self.mode
    }

    /// Over how long the admitted share grows, where it does now.
    pub(super) const fn ramp(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Ramping { ramp, .. } => Some(ramp.duration()),
            _ => None,
        }
    }

    pub(super) const fn generation(&self) -> u32 {
        self.generation
    }

    /// What calls of the present generation have to do.
    pub(super) const fn way(&self) -> Way {
        match (self.mode, &self.phase) {
            (Mode::Automatic, Phase::Closed) | (Mode::MetricsOnly, _) => Way::Counted,
            (Mode::Automatic | Mode::ForcedOpen, _) => Way::Ask,
            (Mode::ForcedClosed, _) => Way::Uncounted,
            (Mode::Disabled, _) => Way::Unseen,
        }
    }

    /// What every call is refused with as long as nothing happens: by which way, since when, and
    /// until when; without an end for ever.
    pub(super) fn standing_refusal(&self) -> Option<(Way, Instant, Option<Instant>)> {
        match (self.mode, &self.phase) {
            (Mode::ForcedOpen, Phase::Open { since, .. }) => Some((Way::Forced, *since, None)),
            (Mode::Automatic, Phase::Open { since, probe_at }) => {
                Some((Way::Waiting, *since, *probe_at))
            }
            (Mode::Automatic, Phase::HalfOpen { since, half_open }) => half_open
                .is_full()
                .then(|| (Way::Probing, *since, half_open.overdue_at())),
            _ => None,
        }
    }

    /// Asks for the right to a call at `now`.
    pub(super) fn admit(&mut self, now: Instant) -> (Result<Permit, Refusal>, Option<Transition>) {
        if self.way() != Way::Ask {
            return (Ok(self.permit()), None);
        }
        let forced = self.mode == Mode::ForcedOpen;
        match &mut self.phase {
            Phase::Closed => (Ok(self.permit()), None),
            Phase::Open { since, .. } if forced => {
                let why = Why::Forced;
                (Err(Refusal { why, since: *since }), None)
            }
            Phase::Open { since, probe_at } => {
                let (since, probe_at) = (*since, *probe_at);
                if probe_at.is_none_or(|probe_at| now < probe_at) {
                    let why = Why::Waiting { probe_at };
                    return (Err(Refusal { why, since }), None);
                }
                let mut half_open = HalfOpen::new(self.rules.probes, now);
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
                        let why = Why::Probing;
                        (Err(Refusal { why, since }), None)
                    }
                    Place::Overdue => {
                        let transition = self.reopen(since, TransitionReason::ProbesOverdue, now);
                        (Err(self.refusal(since)), Some(transition))
                    }
                }
            }
            Phase::Ramping { ramp, .. } if ramp.is_over(now) => {
                let transition = self.close(TransitionReason::RampOver);
                (Ok(self.permit()), Some(transition))
            }
            Phase::Ramping { since, ramp } => {
                if ramp.admits(now) {
                    return (Ok(self.permit()), None);
                }
                let why = Why::Recovering {
                    share: ramp.share(now),
                };
                (Err(Refusal { why, since: *since }), None)
            }
        }
    }

    /// Takes note of the end of a call at `now` that had asked for its permit.
    pub(super) fn settle(
        &mut self,
        permit: Permit,
        ending: Ending,
        now: Instant,
    ) -> Option<Transition> {
        if permit.generation() != self.generation {
            return None;
        }
        match (&mut self.phase, ending) {
            (Phase::HalfOpen { since, half_open }, Ending::Counted(sample)) => {
                let since = *since;
                match half_open.judge(sample, now) {
                    Judgement::Undecided => None,
                    Judgement::Close => Some(self.recover(since, now)),
                    Judgement::Reopen => {
                        Some(self.reopen(since, TransitionReason::ProbesFailed, now))
                    }
                }
            }
            (Phase::HalfOpen { half_open, .. }, Ending::Neutral) => {
                half_open.give_back();
                None
            }
            (Phase::Ramping { since, ramp }, Ending::Counted(sample)) => {
                let since = *since;
                if ramp.fails_with(sample, now) {
                    return Some(self.reopen(since, TransitionReason::RampFailed, now));
                }
                ramp.is_over(now)
                    .then(|| self.close(TransitionReason::RampOver))
            }
            (Phase::Ramping { .. }, Ending::Neutral) | (Phase::Closed | Phase::Open { .. }, _) => {
                None
            }
        }
    }

    /// Takes note of a part of the body of a probe whose head came at `since`. Whether the probe
    /// has proved the dependency well by it.
    pub(super) fn delivers(&mut self, permit: Permit, since: Instant, now: Instant) -> bool {
        match &mut self.phase {
            Phase::HalfOpen { half_open, .. } if permit.generation() == self.generation => {
                half_open.delivers(since, now)
            }
            _ => false,
        }
    }

    /// The rules spoke against the dependency, in this generation.
    pub(super) fn trip(
        &mut self,
        generation: u32,
        reason: TransitionReason,
        now: Instant,
    ) -> Option<Trip> {
        if generation != self.generation || self.way() != Way::Counted {
            return None;
        }
        let pause = self.rules.pauses.next_pause();
        Some(self.open_for(pause, reason, now))
    }

    /// Asks the policies of failsafe about a call of this generation.
    pub(super) fn consult(
        &mut self,
        generation: u32,
        sample: Sample,
        now: Instant,
    ) -> Option<Trip> {
        if generation != self.generation || self.way() != Way::Counted {
            return None;
        }
        if !sample.is_bad() {
            for policy in &mut self.rules.policies {
                policy.record_success();
            }
            return None;
        }
        let pause = self.longest_of_policies()?;
        Some(self.open_for(pause, TransitionReason::Policy, now))
    }

    /// Does what an operator says. Back from forced-open, probes decide; back from anything
    /// else, the breaker is closed and has forgotten its calls.
    pub(super) fn switch(&mut self, mode: Mode, now: Instant) -> Option<Transition> {
        if mode == self.mode {
            return None;
        }
        let from = self.state();
        let was_forced_open = self.mode == Mode::ForcedOpen;
        let since = self.since().unwrap_or(now);
        self.mode = mode;
        self.revive();
        self.phase = match mode {
            Mode::ForcedOpen => Phase::Open {
                since,
                probe_at: None,
            },
            Mode::Automatic if was_forced_open => Phase::Open {
                since,
                probe_at: Some(now),
            },
            _ => Phase::Closed,
        };
        let reason = match mode {
            Mode::Automatic => TransitionReason::Automatic,
            Mode::ForcedOpen => TransitionReason::ForcedOpen,
            Mode::ForcedClosed => TransitionReason::ForcedClosed,
            Mode::Disabled => TransitionReason::Disabled,
            Mode::MetricsOnly => TransitionReason::MetricsOnly,
        };
        Some(self.begin_generation(from, reason))
    }

    /// Closes the breaker and forgets everything, the operator's word included.
    pub(super) fn reset(&mut self) -> Transition {
        let from = self.state();
        self.mode = Mode::Automatic;
        self.revive();
        self.phase = Phase::Closed;
        self.begin_generation(from, TransitionReason::Reset)
    }

    /// Goes on under other rules, in the same state. Probes begin anew, and so does a ramp, with
    /// probes; an open breaker waits as long as it was told to.
    pub(super) fn adopt(&mut self, mut rules: MachineRules, now: Instant) {
        rules.resume(&mut self.rules);
        self.rules = rules;
        self.generation = self.generation.wrapping_add(1);
        if let Phase::HalfOpen { since, .. } | Phase::Ramping { since, .. } = &self.phase {
            self.phase = Phase::HalfOpen {
                since: *since,
                half_open: HalfOpen::new(self.rules.probes, now),
            };
        }
    }

    const fn permit(&self) -> Permit {
        // The rules that its call will be counted by are not the machine's concern.
        Permit::new(self.generation, 0, self.way())
    }

    /// When the breaker left the closed state.
    const fn since(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Closed => None,
            Phase::Open { since, .. }
            | Phase::HalfOpen { since, .. }
            | Phase::Ramping { since, .. } => Some(*since),
        }
    }

    fn refusal(&self, since: Instant) -> Refusal {
        let why = match &self.phase {
            Phase::Open { probe_at, .. } => Why::Waiting {
                probe_at: *probe_at,
            },
            _ => Why::Probing,
        };
        Refusal { why, since }
    }

    fn open_for(&mut self, pause: Duration, reason: TransitionReason, now: Instant) -> Trip {
        if self.mode == Mode::MetricsOnly {
            self.revive();
            self.generation = self.generation.wrapping_add(1);
            return Trip::WouldOpen(reason);
        }
        Trip::Opened(self.open(now, pause, reason, now))
    }

    /// The probes were good.
    fn recover(&mut self, since: Instant, now: Instant) -> Transition {
        let Some(duration) = self.rules.ramp else {
            return self.close(TransitionReason::ProbesSucceeded);
        };
        let ramp = Ramp::new(self.rules.probes, duration, now);
        let phase = Phase::Ramping { since, ramp };
        self.enter(phase, TransitionReason::ProbesSucceeded)
    }

    fn close(&mut self, reason: TransitionReason) -> Transition {
        self.revive();
        self.enter(Phase::Closed, reason)
    }

    fn revive(&mut self) {
        for policy in &mut self.rules.policies {
            policy.revived();
        }
        self.rules.pauses.start_over();
    }

    fn reopen(&mut self, since: Instant, reason: TransitionReason, now: Instant) -> Transition {
        let pause = self
            .longest_of_policies()
            .unwrap_or_else(|| self.rules.pauses.next_pause());
        self.open(since, pause, reason, now)
    }

    fn open(
        &mut self,
        since: Instant,
        pause: Duration,
        reason: TransitionReason,
        now: Instant,
    ) -> Transition {
        let probe_at = now.checked_add(pause);
        self.enter(Phase::Open { since, probe_at }, reason)
    }

    /// Tells every policy of a failure. Where several mark the dependency dead, it is for the
    /// longest of their times.
    fn longest_of_policies(&mut self) -> Option<Duration> {
        let policies = self.rules.policies.iter_mut();
        policies
            .map(Policy::mark_dead_on_failure)
            .fold(None, std::cmp::max)
    }

    fn enter(&mut self, phase: Phase, reason: TransitionReason) -> Transition {
        let from = self.state();
        self.phase = phase;
        self.begin_generation(from, reason)
    }

    const fn begin_generation(&mut self, from: State, reason: TransitionReason) -> Transition {
        self.generation = self.generation.wrapping_add(1);
        Transition {
            from,
            to: self.state(),
            reason,
        }
    }
}

#[cfg(test)]
mod tests;
