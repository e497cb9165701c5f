//! From the facts of the fold to every number of the run.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::attribution::{self, Reach};
use super::fold::{FaultFacts, Fold};
use super::numbers::{Measured, Numbers};
use super::phases::Phases;
use super::recovery::{Executed, HARVEST_SLACK, Recoveries};
use super::run::{
    About, CauseCount, FaultRun, JourneyRun, PhaseRun, ReadBackRun, RecoveryRun, Run, StatementRun,
    Troubled,
};
use super::slots::slots;
use super::steady_state::{self, Requirement};
use super::{degradations, instances, words};
use crate::journal::RequestResult;
use crate::schema::{Bound, GameDaySpec, Metric, Phase, SteadyState};

const PHASES: [Phase; 3] = [Phase::Before, Phase::During, Phase::After];

/// Derives everything.
pub(super) fn run(fold: &Fold) -> Run {
    let about = fold
        .about
        .clone()
        .unwrap_or_else(|| nothing_known(fold.now));
    let load_end = about.duration_micros.min(fold.now.max(0));
    let mut requests = fold.requests.clone();
    requests.sort_by_key(|request| (request.intended, request.ended));

    let executed = executed(fold, load_end);
    let first_fault = executed.first().map(|fault| fault.began);
    let untouched = Phases {
        first_fault,
        recovered: None,
        load_end,
    };
    let recoveries = Recoveries {
        requirements: requirements(fold, &requests, untouched),
        requests: &requests,
        hold: about.recovery_hold_micros,
        within: about.recovery_within_micros,
        load_end,
    }
    .of(&executed);
    let phases = Phases {
        recovered: recoveries.last().and_then(|last| last.recovered_micros),
        ..untouched
    };

    let mut faults: Vec<FaultRun> = fold
        .faults
        .iter()
        .map(|(id, facts)| fault(fold, id, facts, &recoveries))
        .collect();
    let mut troubled = troubled(fold);
    attribution::attribute(&mut troubled, &reaches(&faults));
    for fault in &mut faults {
        attribution::count(fault, &troubled);
        fault.reach_micros = fault.reach_micros.map(|reach| reach.min(fold.now));
    }
    let unexplained = |result| {
        troubled
            .iter()
            .filter(|request| request.result == result && request.faults.is_empty())
            .count() as u64
    };

    Run {
        load_ended_micros: load_end,
        total: Numbers::of(&requests),
        phases: phase_runs(&phases, &requests),
        journeys: journeys(fold, &requests, load_end),
        failed_by_cause: causes(&troubled),
        degradations: degradations::count(&troubled),
        unexplained_failed: unexplained(RequestResult::Failed),
        unexplained_degraded: unexplained(RequestResult::Degraded),
        steady_state: statements(fold, &phases, &requests),
        faults,
        recoveries,
        instances: fold
            .instances
            .iter()
            .map(|(name, facts)| instances::instance(name, facts, load_end))
            .collect(),
        breakers: fold.breakers.clone(),
        read_back: read_back(fold),
        evidence: fold.evidence.clone(),
        stops: fold.stops.clone(),
        slots: slots(&requests, load_end),
        troubled,
        about,
    }
}

/// A journal without its first line still has requests.
fn nothing_known(now: i64) -> About {
    About {
        name: String::new(),
        title: "unknown game day".to_owned(),
        hypothesis: String::new(),
        variant: None,
        no_faults: false,
        seed: 0,
        program: String::new(),
        started: String::new(),
        cores: 0,
        services: Vec::new(),
        duration_micros: now.max(0),
        recovery_within_micros: 0,
        recovery_hold_micros: 0,
    }
}

/// The faults that began, in that order.
fn executed(fold: &Fold, load_end: i64) -> Vec<Executed> {
    let mut executed: Vec<_> = fold
        .faults
        .iter()
        .filter_map(|(id, facts)| {
            let began = facts.began?;
            let ended = facts.ended.unwrap_or(load_end).max(began);
            Some(Executed {
                id: id.clone(),
                began,
                ended,
            })
        })
        .collect();
    executed.sort_by(|left, right| (left.began, &left.id).cmp(&(right.began, &right.id)));
    executed
}

/// What must hold again after a fault: each statement with its tolerance `after`, or else
/// `before`; and harvest, even where no statement speaks of it.
fn requirements(fold: &Fold, requests: &[Measured], phases: Phases) -> Vec<Requirement> {
    let statements = fold.spec.iter().flat_map(|spec| &spec.steady_state);
    let mut requirements: Vec<_> = statements
        .filter_map(|statement| {
            let bound = statement.tolerance.after.or(statement.tolerance.before)?;
            let (id, metric) = (statement.id.clone(), statement.metric);
            Some(Requirement {
                id,
                metric,
                journey: journey_of(fold, statement),
                bound,
            })
        })
        .collect();
    if requirements
        .iter()
        .any(|requirement| requirement.metric == Metric::Harvest)
    {
        return requirements;
    }
    let before = Numbers::of(
        requests
            .iter()
            .filter(|request| phases.of(request) == Phase::Before),
    )
    .harvest;
    requirements.extend(before.map(|harvest| Requirement {
        id: "harvest as before".to_owned(),
        metric: Metric::Harvest,
        journey: None,
        bound: Bound::AtLeast(harvest - HARVEST_SLACK),
    }));
    requirements
}

/// The index of a statement's journey. One that no request belongs to gets an index that no
/// request has.
fn journey_of(fold: &Fold, statement: &SteadyState) -> Option<u16> {
    let wanted = statement.journey.as_ref()?;
    let index = fold.journeys.iter().position(|name| name == wanted);
    Some(
        index
            .and_then(|index| u16::try_from(index).ok())
            .unwrap_or(u16::MAX),
    )
}

fn fault(fold: &Fold, id: &str, facts: &FaultFacts, recoveries: &[RecoveryRun]) -> FaultRun {
    let episode = recoveries
        .iter()
        .find(|recovery| recovery.faults.iter().any(|fault| fault == id));
    let closing = episode.and_then(|recovery| recovery.faults.last());
    let is_closing = closing.is_some_and(|closing| closing == id);
    let ready = facts.began.and_then(|began| {
        let returns = facts.victims.iter().map(|victim| {
            let instance = fold.instances.get(victim)?;
            instances::ready_again(instance, id, began)
        });
        returns
            .collect::<Option<Vec<_>>>()
            .map(|all| all.into_iter().max().unwrap_or(began))
    });
    let recovered = episode
        .filter(|_| is_closing)
        .and_then(|recovery| recovery.recovered_micros);
    let reach = facts
        .began
        .map(|_| attribution::reach_end(facts.ended, ready, recovered));
    FaultRun {
        id: id.to_owned(),
        kind: facts.kind.clone(),
        victims: facts.victims.clone(),
        planned_micros: facts.planned,
        began_micros: facts.began,
        ended_micros: facts.ended,
        ready_micros: ready,
        reach_micros: reach,
        prevented: facts.prevented.clone(),
        requests_failed: 0,
        requests_degraded: 0,
        recovered_after_micros: episode
            .filter(|_| is_closing)
            .and_then(|recovery| recovery.after_micros),
        merged_into: closing.filter(|_| !is_closing).cloned(),
    }
}

fn reaches(faults: &[FaultRun]) -> Vec<Reach> {
    faults
        .iter()
        .filter_map(|fault| {
            let (from, to) = (fault.began_micros?, fault.reach_micros?);
            Some(Reach {
                fault: fault.id.clone(),
                from,
                to,
            })
        })
        .collect()
}

fn troubled(fold: &Fold) -> Vec<Troubled> {
    fold.troubled
        .iter()
        .filter_map(|facts| {
            let request = fold.requests.get(facts.request)?;
            Some(Troubled {
                id: facts.id,
                journey: fold
                    .journeys
                    .get(usize::from(request.journey))
                    .cloned()
                    .unwrap_or_default(),
                step: facts.step.clone(),
                intended: request.intended,
                ended: request.ended,
                result: request.result,
                attempts: facts.attempts,
                cause: facts.cause.clone(),
                degradations: facts.degradations.clone(),
                faults: Vec::new(),
            })
        })
        .collect()
}

fn phase_runs(phases: &Phases, requests: &[Measured]) -> Vec<PhaseRun> {
    PHASES
        .into_iter()
        .filter_map(|phase| {
            let (from_micros, to_micros) = phases.bounds(phase)?;
            let numbers = Numbers::of(
                requests
                    .iter()
                    .filter(|request| phases.of(request) == phase),
            );
            Some(PhaseRun {
                phase,
                from_micros,
                to_micros,
                numbers,
            })
        })
        .collect()
}

fn journeys(fold: &Fold, requests: &[Measured], load_end: i64) -> Vec<JourneyRun> {
    let mut by_journey = vec![Vec::new(); fold.journeys.len()];
    for request in requests {
        if let Some(requests) = by_journey.get_mut(usize::from(request.journey)) {
            requests.push(*request);
        }
    }
    fold.journeys
        .iter()
        .zip(by_journey)
        .map(|(name, requests)| JourneyRun {
            name: name.clone(),
            numbers: Numbers::of(&requests),
            slots: slots(&requests, load_end),
        })
        .collect()
}

fn causes(troubled: &[Troubled]) -> Vec<CauseCount> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for request in troubled
        .iter()
        .filter(|request| request.result == RequestResult::Failed)
    {
        *counts
            .entry(words::cause(request.cause.as_ref()))
            .or_default() += 1;
    }
    let mut counts: Vec<_> = counts
        .into_iter()
        .map(|(cause, requests)| CauseCount { cause, requests })
        .collect();
    counts.sort_by_key(|count| Reverse(count.requests));
    counts
}

fn statements(fold: &Fold, phases: &Phases, requests: &[Measured]) -> Vec<StatementRun> {
    let in_phase = PHASES.map(|phase| {
        let requests = requests
            .iter()
            .filter(|request| phases.of(request) == phase);
        (phase, requests.copied().collect::<Vec<_>>())
    });
    let spec: Option<&GameDaySpec> = fold.spec.as_deref();
    spec.iter()
        .flat_map(|spec| &spec.steady_state)
        .map(|statement| StatementRun {
            statement: statement.clone(),
            phases: in_phase
                .iter()
                .filter_map(|(phase, requests)| {
                    let bound = match phase {
                        Phase::Before => statement.tolerance.before,
                        Phase::During => statement.tolerance.during,
                        Phase::After => statement.tolerance.after,
                    }?;
                    let journey = journey_of(fold, statement);
                    let bounds = phases.bounds(*phase);
                    Some(steady_state::judge(
                        statement,
                        journey,
                        (*phase, bound),
                        bounds,
                        requests,
                    ))
                })
                .collect(),
        })
        .collect()
}

/// What was read back, and what should have been and was not.
fn read_back(fold: &Fold) -> Vec<ReadBackRun> {
    let mut read_back = fold.read_back.clone();
    let wanted = fold.spec.iter().flat_map(|spec| spec.read_back.keys());
    for name in wanted {
        if read_back.iter().all(|run| run.name != *name) {
            read_back.push(ReadBackRun {
                name: name.clone(),
                done: false,
                checked: 0,
                missing_count: 0,
                missing: Vec::new(),
            });
        }
    }
    read_back
}
