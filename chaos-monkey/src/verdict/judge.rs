//! From the numbers to the verdict.

use std::collections::BTreeSet;

use super::outcome::{Outcome, Reason, ReasonKind, Verdict};
use super::run::{
    Evidence, Prevented, RecoveryRun, RecoveryStatus, Run, StatementPhase, StatementRun,
    StatementStatus, Stop,
};
use super::words;
use crate::journal::LostWhat;
use crate::schema::Phase;

/// A generator that sends more than this share of its requests over 50 ms late measured itself.
pub const LATE_SHARE: f64 = 0.01;

/// Judges a run. The precedence: aborted; inconclusive, since the evidence is damaged or the
/// steady state did not hold before anything was broken; failed; inconclusive, since there was
/// too little to judge; passed.
pub fn judge(run: &Run) -> Verdict {
    let ranks = [aborted(run), damaged(run), failed(run), too_little(run)];
    let outcome = ranks
        .iter()
        .flatten()
        .next()
        .map_or(Outcome::Passed, |decisive: &Reason| decisive.outcome);
    Verdict {
        outcome,
        proof: proof(run),
        reasons: ranks.into_iter().flatten().collect(),
    }
}

/// What speaks against breaking anything: the statements that do not hold in the phase before.
pub(super) fn before(run: &Run) -> Vec<Reason> {
    statements(run)
        .filter(|(_, phase)| phase.phase == Phase::Before)
        .filter_map(|(statement, phase)| {
            let text = match phase.status {
                StatementStatus::Broken => broken(statement, phase),
                StatementStatus::TooFewSamples => too_few(statement, phase),
                StatementStatus::NotReached => {
                    format!(
                        "{}: there was no time before the first fault",
                        statement.statement.id
                    )
                }
                StatementStatus::Held => return None,
            };
            let subject = statement.statement.id.clone();
            Some(inconclusive(ReasonKind::SteadyStateBefore, subject, text))
        })
        .collect()
}

fn aborted(run: &Run) -> Vec<Reason> {
    run.stops
        .iter()
        .map(|stop| match stop {
            Stop::Condition {
                at_micros,
                condition,
                value,
                limit,
            } => {
                let measured = match limit {
                    Some(limit) => format!(
                        "{} was {}, tolerated is {}",
                        words::metric(limit.metric),
                        words::value(limit.metric, *value),
                        words::bound(limit.metric, limit.bound),
                    ),
                    None => format!("{value} was measured"),
                };
                Reason {
                    kind: ReasonKind::AbortCondition,
                    outcome: Outcome::Aborted,
                    subject: condition.clone(),
                    text: format!("{condition}: {measured} at {}", words::seconds(*at_micros)),
                }
            }
            Stop::Interrupted { at_micros, by } => Reason {
                kind: ReasonKind::Interrupted,
                outcome: Outcome::Aborted,
                subject: by.clone(),
                text: format!("interrupted by {by} at {}", words::seconds(*at_micros)),
            },
        })
        .collect()
}

/// What makes the evidence worthless, whatever it seems to say.
fn damaged(run: &Run) -> Vec<Reason> {
    let mut reasons = journal(&run.evidence);
    if run.total.requests == 0 {
        let text = "not a single user request was recorded".to_owned();
        reasons.push(inconclusive(ReasonKind::ZeroSamples, String::new(), text));
    }
    reasons.extend(generator(&run.evidence));
    for promises in &run.read_back {
        let text = match (promises.done, promises.checked) {
            (false, _) => format!("{}: the promises were not read back", promises.name),
            (true, 0) => format!(
                "{}: not a single promise was there to be read back",
                promises.name
            ),
            _ => continue,
        };
        reasons.push(inconclusive(
            ReasonKind::ReadBackMissing,
            promises.name.clone(),
            text,
        ));
    }
    reasons.extend(before(run));
    reasons
}

fn journal(evidence: &Evidence) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut incomplete = |text: String| {
        reasons.push(inconclusive(
            ReasonKind::IncompleteJournal,
            String::new(),
            text,
        ));
    };
    if !evidence.has_start {
        incomplete("the journal has no first line".to_owned());
    }
    match evidence.lines_promised {
        None => incomplete(
            "the journal has no end record: the engine died or the disk was full".to_owned(),
        ),
        Some(promised) if promised != evidence.lines => incomplete(format!(
            "the journal has {} before its end record, which counts {}",
            words::counted(evidence.lines, "line", "lines"),
            words::count(promised),
        )),
        Some(_) => {}
    }
    for lost in evidence.lost.iter().filter(|lost| lost.count > 0) {
        let why = match lost.what {
            LostWhat::QueueFull => "the queue to the journal was full",
            LostWhat::WriteFailed => "the disk refused them",
        };
        let text = format!(
            "{} lost: {why}",
            words::counted(lost.count, "record was", "records were")
        );
        reasons.push(inconclusive(ReasonKind::LostRecords, String::new(), text));
    }
    reasons
}

fn generator(evidence: &Evidence) -> Vec<Reason> {
    let mut texts = Vec::new();
    match evidence.generator {
        None => texts.push("the load generator did not account for itself".to_owned()),
        Some(generator) => {
            if generator.late as f64 > generator.due as f64 * LATE_SHARE {
                texts.push(format!(
                    "the load generator sent {} of {} requests over 50 ms late, tolerated is 1 %: this machine is too small for the load",
                    words::count(generator.late),
                    words::count(generator.due),
                ));
            }
            if generator.capped > 0 {
                texts.push(format!(
                    "the load generator held back {} since too many requests were under way",
                    words::counted(generator.capped, "journey", "journeys"),
                ));
            }
        }
    }
    texts
        .into_iter()
        .map(|text| inconclusive(ReasonKind::Generator, String::new(), text))
        .collect()
}

/// What must hold and did not.
fn failed(run: &Run) -> Vec<Reason> {
    let mut reasons: Vec<_> = later_statements(run)
        .filter(|(_, phase)| phase.status == StatementStatus::Broken)
        .map(|(statement, phase)| {
            let subject = statement.statement.id.clone();
            failure(ReasonKind::SteadyState, subject, broken(statement, phase))
        })
        .collect();
    reasons.extend(
        run.recoveries
            .iter()
            .filter_map(|recovery| late_recovery(run, recovery)),
    );
    for instance in &run.instances {
        for end in instance.ends.iter().filter(|end| end.fault.is_none()) {
            let name = instance.instance.to_string();
            let text = format!(
                "{name} ended by itself ({}) at {}",
                end.how,
                words::seconds(end.at_micros),
            );
            reasons.push(failure(ReasonKind::UnplannedEnd, name, text));
        }
    }
    for promises in run
        .read_back
        .iter()
        .filter(|promises| promises.missing_count > 0)
    {
        let text = format!(
            "{}: {} of {} acknowledged promises were not kept",
            promises.name,
            words::count(promises.missing_count),
            words::count(promises.checked),
        );
        reasons.push(failure(ReasonKind::ReadBack, promises.name.clone(), text));
    }
    reasons
}

fn late_recovery(run: &Run, recovery: &RecoveryRun) -> Option<Reason> {
    let fault = recovery.faults.last().cloned().unwrap_or_default();
    let within = words::seconds(run.about.recovery_within_micros);
    let text = match recovery.status {
        RecoveryStatus::Recovered | RecoveryStatus::TooShort => return None,
        RecoveryStatus::Late => format!(
            "the steady state was back {} after {fault} had ended, the limit is {within}",
            words::seconds_or_dash(recovery.after_micros),
        ),
        RecoveryStatus::NotRecovered => {
            let what = match recovery.broken.as_slice() {
                [] => String::new(),
                broken => format!(" ({})", broken.join(", ")),
            };
            format!("the steady state{what} was not back after {fault} when the load ended")
        }
    };
    Some(failure(ReasonKind::Recovery, fault, text))
}

/// What leaves nothing to judge by, where nothing failed.
fn too_little(run: &Run) -> Vec<Reason> {
    let mut reasons: Vec<_> = later_statements(run)
        .filter(|(_, phase)| phase.status == StatementStatus::TooFewSamples)
        .map(|(statement, phase)| {
            let subject = statement.statement.id.clone();
            inconclusive(
                ReasonKind::TooFewSamples,
                subject,
                too_few(statement, phase),
            )
        })
        .collect();
    for recovery in run
        .recoveries
        .iter()
        .filter(|run| run.status == RecoveryStatus::TooShort)
    {
        let fault = recovery.faults.last().cloned().unwrap_or_default();
        let text = format!(
            "the load ended before the steady state had held for {} after {fault}",
            words::seconds(run.about.recovery_hold_micros),
        );
        reasons.push(inconclusive(ReasonKind::TooFewSamples, fault, text));
    }
    for fault in &run.faults {
        if let Some(Prevented::Failed { reason }) = &fault.prevented {
            let text = format!("{} could not be carried out: {reason}", fault.id);
            reasons.push(inconclusive(
                ReasonKind::NothingBroken,
                fault.id.clone(),
                text,
            ));
        }
    }
    let nothing_broken = run.faults.iter().all(|fault| fault.began_micros.is_none());
    if nothing_broken && !run.faults.is_empty() && !run.about.no_faults {
        let text = "not one of the planned faults was carried out".to_owned();
        reasons.push(inconclusive(ReasonKind::NothingBroken, String::new(), text));
    }
    reasons
}

fn statements(run: &Run) -> impl Iterator<Item = (&StatementRun, &StatementPhase)> {
    run.steady_state
        .iter()
        .flat_map(|statement| statement.phases.iter().map(move |phase| (statement, phase)))
}

fn later_statements(run: &Run) -> impl Iterator<Item = (&StatementRun, &StatementPhase)> {
    statements(run).filter(|(_, phase)| phase.phase != Phase::Before)
}

fn broken(statement: &StatementRun, phase: &StatementPhase) -> String {
    let written = &statement.statement;
    let value = phase
        .value
        .map_or_else(words::dash, |value| words::value(written.metric, value));
    let of = written
        .journey
        .as_ref()
        .map_or_else(String::new, |journey| format!(" of {journey}"));
    let windows = match phase.windows {
        Some(windows) => format!(
            " in the worst of {}, {} out of bounds",
            words::counted(windows.judged, "window", "windows"),
            words::count(windows.broken),
        ),
        None => String::new(),
    };
    format!(
        "{}: {}{of} {} was {value}{windows}, tolerated is {}",
        written.id,
        words::metric(written.metric),
        words::phase(phase.phase),
        words::bound(written.metric, phase.bound),
    )
}

fn too_few(statement: &StatementRun, phase: &StatementPhase) -> String {
    let written = &statement.statement;
    let per = if written.window.is_some() {
        "in any window "
    } else {
        ""
    };
    format!(
        "{}: {} {}are not the {} samples it asks for {}",
        written.id,
        words::counted(phase.samples, "sample", "samples"),
        per,
        words::count(written.minimum_samples),
        words::phase(phase.phase),
    )
}

fn inconclusive(kind: ReasonKind, subject: String, text: String) -> Reason {
    Reason {
        kind,
        outcome: Outcome::Inconclusive,
        subject,
        text,
    }
}

fn failure(kind: ReasonKind, subject: String, text: String) -> Reason {
    Reason {
        kind,
        outcome: Outcome::Failed,
        subject,
        text,
    }
}

/// `47 instances of 5 services were killed; users noticed 0 of 8,412 requests`.
fn proof(run: &Run) -> String {
    let victims = run.executed();
    let services: BTreeSet<_> = victims
        .iter()
        .flat_map(|fault| fault.victims.iter().map(|victim| &victim.service))
        .collect();
    let services = words::counted(services.len() as u64, "service", "services");
    let were = |number: u64| if number == 1 { "was" } else { "were" };
    let instances = |number| words::counted(number, "instance", "instances");
    let done = match (run.kills(), run.pauses()) {
        (0, 0) => "Nothing was broken".to_owned(),
        (kills, 0) => format!("{} of {services} {} killed", instances(kills), were(kills)),
        (0, pauses) => format!(
            "{} of {services} {} paused",
            instances(pauses),
            were(pauses)
        ),
        (kills, pauses) => format!(
            "{} of {services} {} killed and {} paused",
            instances(kills),
            were(kills),
            words::count(pauses),
        ),
    };
    if run.total.requests == 0 {
        return format!("{done}; there was not a single user request");
    }
    format!(
        "{done}; users noticed {} of {}",
        words::count(run.total.failed),
        words::counted(run.total.requests, "request", "requests"),
    )
}
