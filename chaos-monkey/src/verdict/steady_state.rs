//! Whether one statement held in one phase.

use std::collections::BTreeMap;

use super::numbers::{Measured, Sample, Tally, is_within, micros};
use super::run::{StatementPhase, StatementStatus, Windows};
use crate::schema::{Bound, Metric, Phase, SteadyState};

/// Judges a statement in a phase. `requests` are those of the phase; `journey` is the index of the
/// statement's journey, if it has one.
pub(super) fn judge(
    statement: &SteadyState,
    journey: Option<u16>,
    (phase, bound): (Phase, Bound),
    bounds: Option<(i64, i64)>,
    requests: &[Measured],
) -> StatementPhase {
    let mut judged = StatementPhase {
        phase,
        bound,
        value: None,
        samples: 0,
        windows: None,
        status: StatementStatus::NotReached,
    };
    let Some((from, _)) = bounds else {
        return judged;
    };
    let requests = requests
        .iter()
        .filter(|request| journey.is_none_or(|journey| request.journey == journey));
    match statement.window {
        None => {
            let mut tally = Tally::default();
            requests.for_each(|request| tally.add(request));
            let sample = Sample::of(&tally.numbers(), statement.metric);
            judged.value = sample.value;
            judged.samples = sample.samples;
            judged.status = match sample.value {
                Some(value) if sample.samples >= statement.minimum_samples => held(value, bound),
                _ => StatementStatus::TooFewSamples,
            };
        }
        Some(window) => {
            let length = micros(window.get()).max(1);
            let mut windows: BTreeMap<i64, Tally> = BTreeMap::new();
            for request in requests {
                let index = (request.intended - from).max(0) / length;
                windows.entry(index).or_default().add(request);
            }
            judge_windows(&mut judged, statement, from, length, &windows);
        }
    }
    judged
}

fn judge_windows(
    judged: &mut StatementPhase,
    statement: &SteadyState,
    from: i64,
    length: i64,
    windows: &BTreeMap<i64, Tally>,
) {
    let mut counted = Windows {
        judged: 0,
        broken: 0,
        worst_from_micros: None,
    };
    for (index, tally) in windows {
        let sample = Sample::of(&tally.numbers(), statement.metric);
        judged.samples += sample.samples;
        let Some(value) = sample
            .value
            .filter(|_| sample.samples >= statement.minimum_samples)
        else {
            continue;
        };
        counted.judged += 1;
        counted.broken += u64::from(!is_within(value, judged.bound));
        if judged
            .value
            .is_none_or(|worst| is_worse(value, worst, judged.bound))
        {
            judged.value = Some(value);
            counted.worst_from_micros = Some(from + index * length);
        }
    }
    judged.status = match (counted.judged, counted.broken) {
        (0, _) => StatementStatus::TooFewSamples,
        (_, 0) => StatementStatus::Held,
        _ => StatementStatus::Broken,
    };
    judged.windows = Some(counted);
}

fn held(value: f64, bound: Bound) -> StatementStatus {
    if is_within(value, bound) {
        StatementStatus::Held
    } else {
        StatementStatus::Broken
    }
}

fn is_worse(value: f64, than: f64, bound: Bound) -> bool {
    match bound {
        Bound::AtLeast(_) => value < than,
        Bound::AtMost(_) => value > than,
    }
}

/// What must hold for a recovery: a metric of one journey or of all, within a bound.
#[derive(Debug, Clone)]
pub(super) struct Requirement {
    pub(super) id: String,
    pub(super) metric: Metric,
    pub(super) journey: Option<u16>,
    pub(super) bound: Bound,
}

/// The requirements that the requests of a stretch of time do not meet. One that was not measured
/// at all in it is passed over, but a stretch without any request meets nothing.
pub(super) fn unmet(requirements: &[Requirement], requests: &[Measured]) -> Vec<String> {
    if requests.is_empty() {
        return vec!["no request".to_owned()];
    }
    let mut numbers = BTreeMap::new();
    requirements
        .iter()
        .filter(|requirement| {
            let journey = requirement.journey;
            let numbers = numbers.entry(journey).or_insert_with(|| {
                super::Numbers::of(
                    requests
                        .iter()
                        .filter(|request| journey.is_none_or(|journey| request.journey == journey)),
                )
            });
            numbers
                .metric(requirement.metric)
                .is_some_and(|value| !is_within(value, requirement.bound))
        })
        .map(|requirement| requirement.id.clone())
        .collect()
}
