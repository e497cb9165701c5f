//! What must hold in the load of a `GameDay`, apart from its requests.

use super::bindings::is_pods;
use super::system::USER_PORT;
use super::words::Known;
use super::{Problem, Problems};
use crate::file::{Backend, KeyPath};
use crate::schema::patterns::WORD;
use crate::schema::{Device, Kind, KubernetesBinding, Load, Rate, System};

/// Words that mean something else already.
const RESERVED: [&str; 3] = ["user", "sequence", "run"];

/// Every mistake of a load.
pub(super) fn check(load: &Load, system: &System, backend: Backend, problems: &mut Problems) {
    let root = KeyPath::dotted("spec.load");
    target(load, system, backend, &root, problems);
    rate(&load.rate, &root.key("rate"), problems);
    device(&load.device, &root.key("device"), problems);
    files(load, &root, problems);
    let journeys = root.key("journeys");
    for name in load.journeys.keys() {
        problems.name(journeys.key(name), name, WORD);
    }
    let nobody_does_anything = load.journeys.values().all(|journey| journey.weight <= 0.0);
    if nobody_does_anything && !load.journeys.is_empty() {
        let message = "all weights are 0, so that nobody would do anything: give one a weight";
        problems.push(Problem::new(journeys, message));
    }
}

fn target(load: &Load, system: &System, backend: Backend, root: &KeyPath, problems: &mut Problems) {
    let key = root.key("target");
    let Some(service) = system.spec.services.get(&load.target) else {
        problems.unknown_service(key, &load.target, system);
        return;
    };
    if is_pods(service, backend) {
        let is_reached = |binding: &KubernetesBinding| binding.reach.is_some();
        if !service.kubernetes.as_ref().is_none_or(is_reached) {
            let target = &load.target;
            let message = format!(
                "`{target}` does not say how users reach its pods: give its `kubernetes` binding \
                 a `reach`, with a `service` or a `url`"
            );
            let problem = Problem::new(key, message).with_value(target);
            let services = KeyPath::dotted("spec.services").key(target);
            let reach = services.key("kubernetes").key("reach");
            problems.push(problem.given_all(Kind::System, reach));
        }
        return;
    }
    let ports = service.process.as_ref().map(|process| &process.ports);
    if ports.is_some_and(|ports| !ports.contains_key(USER_PORT)) {
        let target = &load.target;
        let message = format!(
            "`{target}` has no port called `{USER_PORT}`, so that users cannot reach it: name \
             one so in the system"
        );
        let problem = Problem::new(key, message).with_value(target);
        let process = KeyPath::dotted("spec.services").key(target).key("process");
        problems.push(problem.given(Kind::System, process.key("ports").key(USER_PORT)));
    }
}

fn rate(rate: &Rate, key: &KeyPath, problems: &mut Problems) {
    match rate {
        Rate::Constant(_) => {}
        Rate::Ramp { over, .. } => problems.zero(key.key("ramp").key("over"), *over),
        Rate::Steps(steps) => {
            for (index, step) in steps.iter().enumerate() {
                let key = key.key("steps").index(index).key("for");
                problems.zero(key, step.r#for);
            }
        }
    }
}

fn device(device: &Device, key: &KeyPath, problems: &mut Problems) {
    problems.zero(key.key("patience"), device.patience);
    problems.zero(key.key("attemptTimeout"), device.attempt_timeout);
    if device.attempt_timeout > device.patience {
        let message = format!(
            "one attempt may take {}, longer than the patience of {}: shorten it",
            device.attempt_timeout, device.patience
        );
        let problem = Problem::new(key.key("attemptTimeout"), message);
        problems.push(
            problem
                .with_value(device.attempt_timeout)
                .given(Kind::GameDay, key.key("patience")),
        );
    }
}

/// The files of users and datasets.
fn files(load: &Load, root: &KeyPath, problems: &mut Problems) {
    let known = Known::of(["run"]);
    if let Some(users) = &load.users {
        let key = root.key("users").key("file");
        known.check(&users.file, &key, problems);
    }
    for (name, dataset) in &load.datasets {
        let key = root.key("datasets").key(name);
        problems.name(key.clone(), name, WORD);
        if RESERVED.contains(&name.as_str()) {
            let message = format!("`{name}` means something else already: choose another name");
            problems.push(Problem::new(key.clone(), message).with_value(name).of_key());
        }
        known.check(&dataset.file, &key.key("file"), problems);
    }
}
