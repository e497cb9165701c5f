//! What must hold in a `GameDay`, given its `System`.

use std::collections::BTreeSet;

use super::{Problem, load, problem, system, unknown};
use crate::file::KeyPath;
use crate::schema::{
    AbortCondition, Bound, FaultKind, GameDay, GameDaySpec, Metric, ServiceChoice, Span,
    SteadyState, System, TimelineFault,
};

/// Every mistake of a game day.
pub(in crate::file) fn of_game_day(game_day: &GameDay, system: &System) -> Vec<Problem> {
    let spec = &game_day.spec;
    let services: Vec<&str> = system.spec.services.keys().map(String::as_str).collect();
    let mut problems = system::api_version(&game_day.api_version);
    problems.extend(load::of_load(spec, system, &services));
    timeline(spec, &services, &mut problems);
    steady_state(spec, &mut problems);
    guards(spec, &services, &mut problems);
    aborts(spec, &mut problems);
    if spec.recovery.within.get().is_zero() {
        problems.push(problem(
            "spec.recovery.within",
            "must be longer than nothing",
        ));
    }
    problems
}

fn timeline(spec: &GameDaySpec, services: &[&str], problems: &mut Vec<Problem>) {
    let timeline = &spec.timeline;
    if timeline.duration.get().is_zero() {
        problems.push(problem(
            "spec.timeline.duration",
            "must be longer than nothing",
        ));
    }
    let mut ids = BTreeSet::new();
    for (index, fault) in timeline.faults.iter().enumerate() {
        let key = KeyPath::dotted("spec.timeline.faults").index(index);
        if !ids.insert(&fault.id) {
            let message = format!("there is another fault called `{}`", fault.id);
            problems.push(problem(key.key("id"), message));
        }
        if fault.at.get().is_zero() {
            let message = "the steady state is measured before the first fault: begin later";
            problems.push(problem(key.key("at"), message));
        }
        of_fault(fault, &key, timeline.duration, services, problems);
    }
}

fn of_fault(
    fault: &TimelineFault,
    key: &KeyPath,
    duration: Span,
    services: &[&str],
    problems: &mut Vec<Problem>,
) {
    let inside = key.key("do");
    let mut service = |name: &str, key: KeyPath| {
        if !services.contains(&name) {
            problems.push(unknown(key, name, "service", services));
        }
    };
    let lasts = match &fault.fault {
        FaultKind::Kill(kill) => {
            service(&kill.service, inside.key("kill").key("service"));
            None
        }
        FaultKind::Pause(pause) => {
            service(&pause.service, inside.key("pause").key("service"));
            Some(("pause", pause.r#for))
        }
        FaultKind::Outage(outage) => {
            let inside = inside.key("outage");
            service(&outage.service, inside.key("service"));
            if !outage.allow_outage {
                problems.push(problem(
                    inside,
                    "the guard minimumHealthy forbids an outage: say `allowOutage: true` if it is meant",
                ));
            }
            Some(("outage", outage.r#for))
        }
        FaultKind::Monkey(monkey) => {
            let inside = inside.key("monkey");
            if let ServiceChoice::Only(names) = &monkey.services {
                let key = inside.key("services").key("only");
                for (index, name) in names.iter().enumerate() {
                    service(name, key.index(index));
                }
            }
            if monkey.every.get().is_zero() {
                problems.push(problem(inside.key("every"), "must be longer than nothing"));
            }
            Some(("monkey", monkey.r#for))
        }
    };
    if let Some((kind, span)) = lasts
        && span.get().is_zero()
    {
        let key = key.key("do").key(kind).key("for");
        problems.push(problem(key, "must be longer than nothing"));
    }
    let end = fault.at.get() + lasts.map_or_else(Default::default, |(_, span)| span.get());
    if end >= duration.get() {
        problems.push(problem(
            key.clone(),
            format!(
                "`{}` would last until {} and the load ends at {duration}: lengthen \
                 spec.timeline.duration, or begin earlier",
                fault.id,
                Span(end)
            ),
        ));
    }
}

fn steady_state(spec: &GameDaySpec, problems: &mut Vec<Problem>) {
    let mut ids = BTreeSet::new();
    for (index, statement) in spec.steady_state.iter().enumerate() {
        let key = KeyPath::dotted("spec.steadyState").index(index);
        if !ids.insert(&statement.id) {
            let message = format!("there is another statement called `{}`", statement.id);
            problems.push(problem(key.key("id"), message));
        }
        journey(spec, statement.journey.as_deref(), &key, problems);
        window(spec, statement, &key, problems);
        let tolerance = key.key("tolerance");
        let phases = [
            ("before", statement.tolerance.before),
            ("during", statement.tolerance.during),
            ("after", statement.tolerance.after),
        ];
        if phases.iter().all(|(_, bound)| bound.is_none()) {
            problems.push(problem(
                tolerance,
                "says nothing: name before, during or after",
            ));
            continue;
        }
        for (phase, bound) in phases {
            if let Some(bound) = bound {
                of_bound(statement.metric, bound, &tolerance.key(phase), problems);
            }
        }
    }
}

fn window(spec: &GameDaySpec, statement: &SteadyState, key: &KeyPath, problems: &mut Vec<Problem>) {
    let Some(window) = statement.window else {
        return;
    };
    let first = spec.timeline.faults.iter().map(|fault| fault.at).min();
    let before = first.unwrap_or(spec.timeline.duration);
    if window.get().is_zero() {
        problems.push(problem(key.key("window"), "must be longer than nothing"));
    } else if window > before {
        problems.push(problem(
            key.key("window"),
            format!("`{window}` does not fit into the time before the first fault, {before}"),
        ));
    }
}

fn journey(spec: &GameDaySpec, name: Option<&str>, key: &KeyPath, problems: &mut Vec<Problem>) {
    let Some(name) = name else {
        return;
    };
    if !spec.load.journeys.contains_key(name) {
        let known: Vec<&str> = spec.load.journeys.keys().map(String::as_str).collect();
        problems.push(unknown(key.key("journey"), name, "journey", &known));
    }
}

/// Ratios lie between 0 and 1, latencies above 0.
fn of_bound(metric: Metric, bound: Bound, key: &KeyPath, problems: &mut Vec<Problem>) {
    let (word, limit) = match bound {
        Bound::AtLeast(limit) => ("atLeast", limit),
        Bound::AtMost(limit) => ("atMost", limit),
    };
    let is_ratio = matches!(
        metric,
        Metric::Yield | Metric::FirstAttemptYield | Metric::Harvest
    );
    let right = if is_ratio {
        (0.0..=1.0).contains(&limit)
    } else {
        limit > 0.0
    };
    if right {
        return;
    }
    let expected = if is_ratio {
        "expected a share from 0 to 1"
    } else {
        "expected milliseconds above 0"
    };
    problems.push(Problem {
        key: key.key(word),
        value: Some(limit.to_string()),
        message: format!("`{limit}` is not right here: {expected}"),
    });
}

fn guards(spec: &GameDaySpec, services: &[&str], problems: &mut Vec<Problem>) {
    let excluded = KeyPath::dotted("spec.guards.excludedServices");
    for (index, name) in spec.guards.excluded_services.iter().enumerate() {
        if !services.contains(&name.as_str()) {
            problems.push(unknown(excluded.index(index), name, "service", services));
        }
    }
}

fn aborts(spec: &GameDaySpec, problems: &mut Vec<Problem>) {
    let mut ids = BTreeSet::new();
    for (index, condition) in spec.abort.iter().enumerate() {
        let key = KeyPath::dotted("spec.abort").index(index);
        let AbortCondition {
            id,
            metric,
            journey: name,
            window,
            unless,
            ..
        } = condition;
        if !ids.insert(id) {
            let message = format!("there is another condition called `{id}`");
            problems.push(problem(key.key("id"), message));
        }
        if window.get().is_zero() {
            problems.push(problem(key.key("window"), "must be longer than nothing"));
        }
        journey(spec, name.as_deref(), &key, problems);
        of_bound(*metric, *unless, &key.key("unless"), problems);
    }
}
