//! What must hold in the statements and abort conditions of a `GameDay`.

use std::time::Duration;

use super::{Problem, Problems};
use crate::file::KeyPath;
use crate::schema::{Bound, GameDaySpec, Kind, Metric, Span, SteadyState};

/// Every mistake of the statements and abort conditions.
pub(super) fn check(spec: &GameDaySpec, problems: &mut Problems) {
    let root = KeyPath::dotted("spec.steadyState");
    for (index, statement) in spec.steady_state.iter().enumerate() {
        let key = root.index(index);
        journey(spec, statement.journey.as_deref(), &key, problems);
        tolerance(statement, &key, problems);
        window(spec, statement, &key.key("window"), problems);
    }
    problems.repeated(
        spec.steady_state
            .iter()
            .enumerate()
            .map(|(index, statement)| (root.index(index).key("id"), statement.id.as_str())),
        "statement",
    );
    aborts(spec, problems);
    recovery(spec, problems);
}

fn aborts(spec: &GameDaySpec, problems: &mut Problems) {
    let root = KeyPath::dotted("spec.abort");
    for (index, condition) in spec.abort.iter().enumerate() {
        let key = root.index(index);
        journey(spec, condition.journey.as_deref(), &key, problems);
        let unless = key.key("unless");
        bound(condition.metric, condition.unless, &key, &unless, problems);
        problems.zero(key.key("window"), condition.window);
        let duration = spec.timeline.duration;
        if condition.window > duration {
            let message = format!("is longer than the load, which lasts {duration}: shorten it");
            let problem = Problem::new(key.key("window"), message).with_value(condition.window);
            problems.push(problem.given(Kind::GameDay, "spec.timeline.duration"));
        }
    }
    problems.repeated(
        spec.abort
            .iter()
            .enumerate()
            .map(|(index, condition)| (root.index(index).key("id"), condition.id.as_str())),
        "condition",
    );
}

fn recovery(spec: &GameDaySpec, problems: &mut Problems) {
    let key = KeyPath::dotted("spec.recovery");
    problems.zero(key.key("within"), spec.recovery.within);
    problems.zero(key.key("hold"), spec.recovery.hold);
}

fn tolerance(statement: &SteadyState, of: &KeyPath, problems: &mut Problems) {
    let key = of.key("tolerance");
    let phases = phases(statement);
    if phases.iter().all(|(_, limit)| limit.is_none()) {
        let message = "nothing is stated: name a bound for before, during or after";
        problems.push(Problem::new(key.clone(), message));
    }
    for (phase, limit) in phases {
        if let Some(limit) = limit {
            bound(statement.metric, limit, of, &key.key(phase), problems);
        }
    }
}

fn phases(statement: &SteadyState) -> [(&'static str, Option<Bound>); 3] {
    let tolerance = &statement.tolerance;
    [
        ("before", tolerance.before),
        ("during", tolerance.during),
        ("after", tolerance.after),
    ]
}

/// A window must fit into each phase that is judged.
fn window(spec: &GameDaySpec, statement: &SteadyState, key: &KeyPath, problems: &mut Problems) {
    let Some(window) = statement.window else {
        return;
    };
    problems.zero(key.clone(), window);
    for (phase, limit) in phases(statement) {
        let longest = longest(spec, phase);
        if limit.is_some() && window.get() > longest {
            let message = format!(
                "`{window}` does not fit into the phase `{phase}`, which lasts {} at most: \
                 shorten it",
                Span(longest)
            );
            let problem = Problem::new(key.clone(), message).with_value(window);
            problems.push(
                problem
                    .given_all(Kind::GameDay, "spec.timeline")
                    .given(Kind::GameDay, key.clone()),
            );
            return;
        }
    }
}

/// How long a phase can last: when `during` becomes `after` depends on how fast all recovers.
fn longest(spec: &GameDaySpec, phase: &str) -> Duration {
    let duration = spec.timeline.duration.get();
    // Those that do not fit into the load are complained of elsewhere.
    let faults = || {
        let all = spec.timeline.faults.iter();
        all.filter(|fault| super::faults::end(fault) < duration)
    };
    let Some(first) = faults().map(|fault| fault.at.get()).min() else {
        return duration;
    };
    match phase {
        "before" => first,
        "during" => duration.saturating_sub(first),
        _ => {
            let ends = faults().map(super::faults::end);
            duration.saturating_sub(ends.max().unwrap_or(first))
        }
    }
}

fn journey(spec: &GameDaySpec, name: Option<&str>, key: &KeyPath, problems: &mut Problems) {
    let Some(name) = name else {
        return;
    };
    if !spec.load.journeys.contains_key(name) {
        let known: Vec<&str> = spec.load.journeys.keys().map(String::as_str).collect();
        let problem = super::unknown(key.key("journey"), name, "journey", &known);
        problems.push(problem.given(Kind::GameDay, "spec.load.journeys"));
    }
}

/// Ratios lie between 0 and 1, latencies above 0.
fn bound(metric: Metric, bound: Bound, of: &KeyPath, key: &KeyPath, problems: &mut Problems) {
    let (word, limit) = match bound {
        Bound::AtLeast(limit) => ("atLeast", limit),
        Bound::AtMost(limit) => ("atMost", limit),
    };
    let is_share = matches!(
        metric,
        Metric::Yield | Metric::FirstAttemptYield | Metric::Harvest
    );
    let (right, expected) = if is_share {
        ((0.0..=1.0).contains(&limit), "a share from 0 to 1")
    } else {
        (limit > 0.0, "milliseconds, more than 0")
    };
    if right {
        return;
    }
    let message = format!("`{limit}` is not right here: expected {expected}");
    let problem = Problem::new(key.key(word), message).with_value(limit);
    problems.push(problem.given(Kind::GameDay, of.key("metric")));
}
