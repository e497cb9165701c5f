//! Takes journal entries one by one and keeps what everything else is derived from.

use std::collections::BTreeMap;
use std::time::Duration;

use indexmap::IndexMap;

use super::breakers;
use super::degradations;
use super::numbers::{Measured, Sample, Tally, micros};
use super::run::{
    About, BreakerTransition, Evidence, Generator, Lost, Prevented, ReadBackRun, Replaced, Run,
    Stop,
};
use super::{Reason, derive, judge};
use crate::journal::{
    Cause, Entry, FaultId, InstanceName, PlannedFault, Record, RequestRecord, RequestResult,
};
use crate::schema::{GameDaySpec, Metric, Phase};

/// How far the entries of a journal may be out of order: who records a request does so a moment
/// after it ended.
const DISORDER: i64 = 1_000_000;

/// Takes journal entries one by one. The live display, the abort conditions and the reports all
/// look at the same fold, so that they cannot disagree.
#[derive(Debug, Clone, Default)]
pub struct Fold {
    pub(super) about: Option<About>,
    pub(super) spec: Option<Box<GameDaySpec>>,
    pub(super) now: i64,
    pub(super) phase: Option<Phase>,
    pub(super) journeys: Vec<String>,
    journey_index: BTreeMap<String, u16>,
    pub(super) requests: Vec<Measured>,
    pub(super) troubled: Vec<TroubledFacts>,
    pub(super) faults: IndexMap<FaultId, FaultFacts>,
    pub(super) instances: IndexMap<InstanceName, InstanceFacts>,
    pub(super) breakers: Vec<BreakerTransition>,
    pub(super) read_back: Vec<ReadBackRun>,
    pub(super) evidence: Evidence,
    pub(super) stops: Vec<Stop>,
}

/// A failed or degraded request; its times and its journey stand in [`Fold::requests`].
#[derive(Debug, Clone)]
pub(super) struct TroubledFacts {
    pub(super) request: usize,
    pub(super) id: u64,
    pub(super) step: String,
    pub(super) attempts: usize,
    pub(super) cause: Option<Cause>,
    pub(super) degradations: Vec<Replaced>,
}

/// What the journal says of one fault.
#[derive(Debug, Clone, Default)]
pub(super) struct FaultFacts {
    pub(super) kind: String,
    pub(super) victims: Vec<InstanceName>,
    pub(super) planned: Option<i64>,
    pub(super) began: Option<i64>,
    pub(super) ended: Option<i64>,
    pub(super) prevented: Option<Prevented>,
}

/// What the journal says of one instance.
#[derive(Debug, Clone, Default)]
pub(super) struct InstanceFacts {
    pub(super) marks: Vec<(i64, Mark)>,
    pub(super) ready_after: Vec<i64>,
    pub(super) peak_memory: Option<u64>,
}

/// One event in the life of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    Started,
    Ready,
    Down { how: String, fault: Option<FaultId> },
    Stopped,
    Paused { fault: FaultId },
    Resumed,
}

impl Fold {
    /// A fold that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next entry. Cheap: it derives nothing.
    pub fn push(&mut self, entry: &Entry) {
        let at = entry.at;
        self.now = if self.evidence.lines == 0 {
            at
        } else {
            self.now.max(at)
        };
        if let Record::End { lines } = &entry.record {
            self.evidence.has_end = true;
            self.evidence.lines_promised = Some(*lines);
            return;
        }
        self.evidence.lines += 1;
        match &entry.record {
            Record::Start { .. } => self.start(&entry.record),
            Record::Phase { phase } => self.phase = Some(*phase),
            Record::InstanceStarted { instance, .. } => self.mark(instance, at, Mark::Started),
            Record::InstanceReady { instance, after } => {
                self.instance(instance).ready_after.push(*after);
                self.mark(instance, at, Mark::Ready);
            }
            Record::InstanceDown {
                instance,
                how,
                fault,
                ..
            } => {
                self.mark(
                    instance,
                    at,
                    Mark::Down {
                        how: how.clone(),
                        fault: fault.clone(),
                    },
                );
            }
            Record::InstanceStopped { instance, .. } => self.mark(instance, at, Mark::Stopped),
            Record::InstancePaused { instance, fault } => {
                let fault = fault.clone();
                self.mark(instance, at, Mark::Paused { fault });
            }
            Record::InstanceResumed { instance, .. } => self.mark(instance, at, Mark::Resumed),
            Record::InstanceMemory { instance, resident } => {
                let facts = self.instance(instance);
                facts.peak_memory = facts.peak_memory.max(Some(*resident));
            }
            Record::FaultVetoed {
                fault,
                guard,
                reason,
            } => {
                let (guard, reason) = (guard.clone(), reason.clone());
                self.fault(fault).prevented = Some(Prevented::Vetoed { guard, reason });
            }
            Record::FaultBegan {
                fault,
                kind,
                victims,
            } => {
                let facts = self.fault(fault);
                facts.began = Some(at);
                facts.kind.clone_from(kind);
                facts.victims.clone_from(victims);
            }
            Record::FaultEnded { fault } => self.fault(fault).ended = Some(at),
            Record::FaultFailed { fault, reason } => {
                let reason = reason.clone();
                let facts = self.fault(fault);
                facts.prevented = Some(Prevented::Failed { reason });
                // What it did until it failed is over.
                facts.ended = facts.ended.or(facts.began.map(|_| at));
            }
            Record::Request(request) => self.request(at, request),
            Record::ServiceEvent { instance, event } => {
                self.breakers
                    .extend(breakers::transition(at, instance, event));
            }
            Record::Abort { condition, value } => {
                let limit = self
                    .spec
                    .as_deref()
                    .and_then(|spec| super::stops::limit(spec, condition));
                let (condition, value) = (condition.clone(), *value);
                self.stops.push(Stop::Condition {
                    at_micros: at,
                    condition,
                    value,
                    limit,
                });
            }
            Record::Interrupted { by } => {
                self.stops.push(Stop::Interrupted {
                    at_micros: at,
                    by: by.clone(),
                });
            }
            Record::ReadBack {
                name,
                checked,
                missing,
                missing_count,
            } => {
                self.read_back.push(ReadBackRun {
                    name: name.clone(),
                    done: true,
                    checked: *checked,
                    missing_count: *missing_count,
                    missing: missing.clone(),
                });
            }
            Record::Generator { due, late, capped } => {
                self.evidence.generator = Some(Generator {
                    due: *due,
                    late: *late,
                    capped: *capped,
                });
            }
            Record::Lost { what, count } => {
                self.evidence.lost.push(Lost {
                    what: *what,
                    count: *count,
                });
            }
            Record::End { .. } => {}
        }
    }

    /// Everything that can be derived from what was seen so far.
    pub fn run(&self) -> Run {
        derive::run(self)
    }

    /// A metric over the requests that ended within the last stretch of time, of one journey or
    /// of all: what abort conditions look at. `now` is in microseconds since the load began.
    pub fn window(
        &self,
        metric: Metric,
        journey: Option<&str>,
        now: i64,
        last: Duration,
    ) -> Sample {
        let wanted = journey.map(|name| self.journey_index.get(name).copied());
        let mut tally = Tally::default();
        self.ended_within(now, last)
            .filter(|request| wanted.is_none_or(|journey| journey == Some(request.journey)))
            .for_each(|request| tally.add(request));
        Sample::of(&tally.numbers(), metric)
    }

    /// Whether the steady state holds so far; to be asked before anything is broken.
    ///
    /// # Errors
    /// The statements that do not hold, or have too few samples.
    pub fn steady_state_before(&self) -> Result<(), Vec<Reason>> {
        let reasons = judge::before(&self.run());
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(reasons)
        }
    }

    /// The time of the newest entry, in microseconds since the load began.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// The names of the journeys, in the order of the game day.
    pub fn journeys(&self) -> &[String] {
        &self.journeys
    }

    /// The requests that ended in `(now - last, now]`.
    pub(super) fn ended_within(&self, now: i64, last: Duration) -> impl Iterator<Item = &Measured> {
        let from = now.saturating_sub(micros(last));
        self.requests
            .iter()
            .rev()
            .take_while(move |request| request.ended > from.saturating_sub(DISORDER))
            .filter(move |request| request.ended > from && request.ended <= now)
    }

    fn start(&mut self, record: &Record) {
        let Record::Start {
            program,
            game_day,
            services,
            seed,
            no_faults,
            variant,
            started,
            cores,
            plan,
            ..
        } = record
        else {
            return;
        };
        let spec = &game_day.spec;
        self.evidence.has_start = true;
        self.about = Some(About {
            name: game_day.metadata.name.clone(),
            title: spec.title.clone(),
            hypothesis: spec.hypothesis.clone(),
            variant: variant.clone(),
            no_faults: *no_faults,
            seed: *seed,
            program: program.clone(),
            started: started.clone(),
            cores: *cores,
            services: services.clone(),
            duration_micros: micros(spec.timeline.duration.get()),
            recovery_within_micros: micros(spec.recovery.within.get()),
            recovery_hold_micros: micros(spec.recovery.hold.get()),
        });
        for journey in spec.load.journeys.keys() {
            self.journey(journey);
        }
        for service in services {
            for replica in 0..service.replicas {
                self.instance(&InstanceName {
                    service: service.name.clone(),
                    replica,
                });
            }
        }
        for PlannedFault {
            id,
            at,
            kind,
            victims,
            ..
        } in plan
        {
            let facts = self.fault(id);
            facts.planned = Some(*at);
            facts.kind.clone_from(kind);
            facts.victims.clone_from(victims);
        }
        self.spec = Some(Box::new(spec.clone()));
    }

    fn request(&mut self, at: i64, record: &RequestRecord) {
        if record.intended < 0 {
            return;
        }
        let first_attempt = record.result != RequestResult::Failed
            && record
                .attempts
                .first()
                .is_none_or(|attempt| attempt.cause.is_none());
        let journey = self.journey(&record.journey);
        if record.result != RequestResult::Full {
            self.troubled.push(TroubledFacts {
                request: self.requests.len(),
                id: record.id,
                step: record.step.clone(),
                attempts: record.attempts.len(),
                cause: record.cause.clone(),
                degradations: degradations::parse(&record.degradation),
            });
        }
        self.requests.push(Measured {
            intended: record.intended,
            ended: at,
            journey,
            result: record.result,
            first_attempt,
            harvest: record.harvest as f32,
        });
    }

    fn journey(&mut self, name: &str) -> u16 {
        if let Some(index) = self.journey_index.get(name) {
            return *index;
        }
        let index = u16::try_from(self.journeys.len()).unwrap_or(u16::MAX);
        self.journeys.push(name.to_owned());
        self.journey_index.insert(name.to_owned(), index);
        index
    }

    fn fault(&mut self, id: &str) -> &mut FaultFacts {
        self.faults.entry(id.to_owned()).or_default()
    }

    fn instance(&mut self, name: &InstanceName) -> &mut InstanceFacts {
        self.instances.entry(name.clone()).or_default()
    }

    fn mark(&mut self, name: &InstanceName, at: i64, mark: Mark) {
        self.instance(name).marks.push((at, mark));
    }
}
