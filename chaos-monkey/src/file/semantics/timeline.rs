//! What must hold in the time line of a `GameDay`.

use super::bindings::is_pods;
use super::guards::Forbidding;
use super::{Problem, Problems, faults};
use crate::file::{Backend, KeyPath};
use crate::schedule::MAXIMUM_STRIKES;
use crate::schema::{
    Amount, FaultKind, GameDaySpec, Kind, Monkey, Outage, Pause, ServiceChoice, Span, System,
    TimelineFault,
};

/// Every mistake of a time line.
pub(super) fn check(
    spec: &GameDaySpec,
    system: &System,
    backend: Backend,
    problems: &mut Problems,
) {
    let timeline = &spec.timeline;
    let root = KeyPath::dotted("spec.timeline");
    problems.zero(root.key("duration"), timeline.duration);
    let entries = root.key("faults");
    let forbidding = Forbidding::new(&spec.guards, system, backend);
    for (index, fault) in timeline.faults.iter().enumerate() {
        let key = entries.index(index);
        times(spec, fault, &key, problems);
        let inside = key.key("do").key(faults::word(&fault.fault));
        match &fault.fault {
            FaultKind::Kill(kill) => {
                forbidding.check(&kill.service, kill.amount, false, &inside, problems);
            }
            FaultKind::Pause(pause) => {
                of_pods(pause, system, backend, &inside, problems);
                let allowed = pause.allow_outage;
                forbidding.check(&pause.service, pause.amount, allowed, &inside, problems);
            }
            FaultKind::Outage(outage) => of_outage(outage, &forbidding, &inside, problems),
            FaultKind::Monkey(monkey) => of_monkey(monkey, &forbidding, &inside, problems),
        }
    }
    problems.repeated(
        timeline
            .faults
            .iter()
            .enumerate()
            .map(|(index, fault)| (entries.index(index).key("id"), fault.id.as_str())),
        "fault",
    );
}

/// There must be time before a fault to measure the steady state, and time after it to see
/// that it holds again.
fn times(spec: &GameDaySpec, fault: &TimelineFault, key: &KeyPath, problems: &mut Problems) {
    let at = key.key("at");
    if fault.at.get().is_zero() {
        let message = "the steady state is measured before the first fault: begin later";
        problems.push(Problem::new(at.clone(), message).with_value(fault.at));
    }
    let lasts = faults::lasts(&fault.fault);
    let kind = key.key("do").key(faults::word(&fault.fault));
    if let Some(lasts) = lasts {
        problems.zero(kind.key("for"), lasts);
    }
    let duration = spec.timeline.duration;
    let end = faults::end(fault);
    let hold = spec.recovery.hold;
    let message = if fault.at >= duration {
        format!("begins when the load is over, which lasts {duration}: begin earlier")
    } else if end > duration.get() {
        format!(
            "would be over at {}, after the load, which lasts {duration}: shorten it, or \
             lengthen spec.timeline.duration",
            Span(end)
        )
    } else if end.saturating_add(hold.get()) > duration.get() {
        format!(
            "is over at {}, which leaves less than {hold} (spec.recovery.hold) of the load's \
             {duration} to see the recovery: lengthen spec.timeline.duration",
            Span(end)
        )
    } else {
        return;
    };
    problems.push(
        Problem::new(at, message)
            .with_value(fault.at)
            .given(Kind::GameDay, "spec.timeline.duration")
            .given(Kind::GameDay, "spec.recovery.hold")
            .given(Kind::GameDay, kind.key("for")),
    );
}

fn of_pods(
    pause: &Pause,
    system: &System,
    backend: Backend,
    key: &KeyPath,
    problems: &mut Problems,
) {
    let service = system.spec.services.get(&pause.service);
    if service.is_some_and(|service| is_pods(service, backend)) {
        let message = format!(
            "`{}` runs in pods, and a cluster cannot pause them: use `kill` or `outage`, or run \
             it as local processes",
            pause.service
        );
        let problem = Problem::new(key.clone(), message);
        let services = KeyPath::dotted("spec.services").key(&pause.service);
        problems.push(problem.given_all(Kind::System, services));
    }
}

fn of_outage(outage: &Outage, forbidding: &Forbidding<'_>, key: &KeyPath, problems: &mut Problems) {
    forbidding.check(&outage.service, Amount::All, true, key, problems);
    if !outage.allow_outage {
        let message = "takes down a whole service, which the guards forbid: say \
                       `allowOutage: true` if it is meant";
        problems.push(Problem::new(key.clone(), message));
    }
}

fn of_monkey(monkey: &Monkey, forbidding: &Forbidding<'_>, key: &KeyPath, problems: &mut Problems) {
    problems.zero(key.key("every"), monkey.every);
    let every = monkey.every.get().as_nanos();
    let strikes = monkey.r#for.get().as_nanos().checked_div(every);
    if strikes.is_some_and(|strikes| strikes > MAXIMUM_STRIKES as u128) {
        let message = format!(
            "strikes more than {MAXIMUM_STRIKES} times in {}: let it strike less often",
            monkey.r#for
        );
        let problem = Problem::new(key.key("every"), message).with_value(monkey.every);
        problems.push(problem.given(Kind::GameDay, key.key("for")));
    }
    let services = key.key("services");
    match &monkey.services {
        ServiceChoice::All => forbidding.check_any(monkey.amount, key, problems),
        ServiceChoice::Only(names) => {
            let only = services.key("only");
            let each = || {
                let names = names.iter().enumerate();
                names.map(|(index, name)| (only.index(index), name.as_str()))
            };
            for (at, name) in each() {
                forbidding.check_at(name, monkey.amount, false, &at, key, problems);
            }
            problems.repeated(each(), "service");
        }
    }
}
