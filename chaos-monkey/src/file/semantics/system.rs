//! What must hold in a `System`.

use std::collections::BTreeMap;

use super::{Problem, problem, unknown};
use crate::file::KeyPath;
use crate::schema::{API_VERSION, HealthCheck, Port, ProcessBinding, System};

/// Every mistake of a system.
pub(in crate::file) fn of_system(system: &System) -> Vec<Problem> {
    let mut problems = api_version(&system.api_version);
    let services = KeyPath::dotted("spec.services");
    if system.spec.services.is_empty() {
        problems.push(problem(
            services.clone(),
            "a system needs at least one service",
        ));
    }
    let mut taken: BTreeMap<u16, String> = BTreeMap::new();
    for (name, service) in &system.spec.services {
        let key = services.key(name);
        if let Some(process) = &service.process {
            let key = key.key("process");
            of_process(process, &key, &mut problems);
            ports(name, process, &key, &mut taken, &mut problems);
        } else {
            problems.push(problem(
                key,
                "the service has no binding: say how it runs with `process`",
            ));
        }
    }
    problems
}

pub(super) fn api_version(given: &str) -> Vec<Problem> {
    if given == API_VERSION {
        return Vec::new();
    }
    vec![Problem {
        key: KeyPath::dotted("apiVersion"),
        value: Some(given.to_owned()),
        message: format!("`{given}` is not known: expected {API_VERSION}"),
    }]
}

fn of_process(process: &ProcessBinding, key: &KeyPath, problems: &mut Vec<Problem>) {
    if process.command.first().is_none_or(String::is_empty) {
        problems.push(problem(
            key.key("command"),
            "the command is empty: write program and arguments",
        ));
    }
    let known: Vec<&str> = process.ports.keys().map(String::as_str).collect();
    let mut port = |name: &str, key: KeyPath| {
        if !process.ports.contains_key(name) {
            problems.push(unknown(key, name, "port", &known));
        }
    };
    let check = key.key("health").key("check");
    match &process.health.check {
        HealthCheck::Http(http) => port(&http.port, check.key("http").key("port")),
        HealthCheck::Tcp(tcp) => port(&tcp.port, check.key("tcp").key("port")),
    }
    if let Some(events) = &process.events {
        port(&events.port, key.key("events").key("port"));
    }
    for (name, span) in [
        ("interval", process.health.interval),
        ("timeout", process.health.timeout),
        ("within", process.health.within),
    ] {
        if span.get().is_zero() {
            problems.push(problem(
                key.key("health").key(name),
                "must be longer than nothing",
            ));
        }
    }
}

/// Replica n of a service with a fixed port has that port plus n.
fn ports(
    service: &str,
    process: &ProcessBinding,
    key: &KeyPath,
    taken: &mut BTreeMap<u16, String>,
    problems: &mut Vec<Problem>,
) {
    for (name, port) in &process.ports {
        let Port::Fixed(first) = port else {
            continue;
        };
        let key = key.key("ports").key(name);
        for replica in 0..process.replicas {
            let number = u16::try_from(replica)
                .ok()
                .and_then(|offset| first.checked_add(offset));
            let Some(number) = number else {
                problems.push(problem(
                    key.clone(),
                    format!("replica {replica} would have a port above 65535"),
                ));
                break;
            };
            let owner = format!("{service}/{replica} ({name})");
            if let Some(other) = taken.insert(number, owner) {
                problems.push(Problem {
                    key: key.clone(),
                    value: Some(first.to_string()),
                    message: format!(
                        "port {number} belongs to {other} already: choose another or `auto`"
                    ),
                });
                break;
            }
        }
    }
}
