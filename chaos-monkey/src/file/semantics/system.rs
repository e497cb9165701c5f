//! What must hold in a `System`.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::pods::{self, Taken};
use super::words::Known;
use super::{Problem, Problems};
use crate::file::KeyPath;
use crate::schema::patterns::{LABEL, WORD};
use crate::schema::{HealthCheck, Kind, Port, ProcessBinding, System, SystemSpec};

/// The port whose addresses other services are given, and that users talk to.
pub(super) const USER_PORT: &str = "http";

/// Every mistake of a system.
pub(super) fn check(system: &System, problems: &mut Problems) {
    let spec = &system.spec;
    secrets(spec, problems);
    prepare(spec, problems);
    let services = KeyPath::dotted("spec.services");
    let mut taken = BTreeMap::new();
    let mut pods_taken = Taken::new();
    for (name, service) in &spec.services {
        let key = services.key(name);
        problems.name(key.clone(), name, LABEL);
        if let Some(binding) = &service.kubernetes {
            pods::check(binding, &key.key("kubernetes"), &mut pods_taken, problems);
        }
        let Some(process) = &service.process else {
            if service.kubernetes.is_none() {
                let message = "the service has no binding: say how it runs with `process`, or \
                               which pods it is with `kubernetes`";
                problems.push(Problem::new(key, message).of_key());
            }
            continue;
        };
        let key = key.key("process");
        program(&process.command, &key, problems);
        durations(process, &key, problems);
        ports(name, process, &key, &mut taken, problems);
        ports_that_are_named(process, &key, problems);
        words(spec, process, &key, problems);
    }
}

fn secrets(spec: &SystemSpec, problems: &mut Problems) {
    let key = KeyPath::dotted("spec.secrets");
    let secrets = || {
        let names = spec.secrets.iter().enumerate();
        names.map(|(index, name)| (key.index(index), name.as_str()))
    };
    for (key, name) in secrets() {
        problems.name(key, name, WORD);
    }
    problems.repeated(secrets(), "secret");
}

fn prepare(spec: &SystemSpec, problems: &mut Problems) {
    let Some(prepare) = &spec.prepare else {
        return;
    };
    let key = KeyPath::dotted("spec.prepare");
    program(&prepare.command, &key, problems);
    problems.zero(key.key("within"), prepare.within);
    let known = known_to_all(spec);
    texts(&known, &prepare.command, &prepare.env, &key, problems);
}

fn program(command: &[String], key: &KeyPath, problems: &mut Problems) {
    if command.first().is_some_and(String::is_empty) {
        let key = key.key("command").index(0);
        problems.push(Problem::new(
            key,
            "the program is missing: write its name or its path",
        ));
    }
}

fn durations(process: &ProcessBinding, key: &KeyPath, problems: &mut Problems) {
    let health = key.key("health");
    problems.zero(health.key("interval"), process.health.interval);
    problems.zero(health.key("timeout"), process.health.timeout);
    problems.zero(health.key("within"), process.health.within);
}

/// Replica n of a service with a fixed port has that port plus n.
fn ports(
    service: &str,
    process: &ProcessBinding,
    key: &KeyPath,
    taken: &mut BTreeMap<u16, (String, KeyPath)>,
    problems: &mut Problems,
) {
    let replicas = key.key("replicas");
    for (name, port) in &process.ports {
        let key = key.key("ports").key(name);
        problems.name(key.clone(), name, WORD);
        let Port::Fixed(first) = *port else {
            continue;
        };
        for replica in 0..process.replicas {
            let number = u16::try_from(replica)
                .ok()
                .and_then(|offset| first.checked_add(offset));
            let Some(number) = number else {
                let message = format!(
                    "{first} plus replica {replica} is beyond 65535: choose a lower port, or \
                     write `auto`"
                );
                let problem = Problem::new(key.clone(), message).with_value(first);
                problems.push(problem.given(Kind::System, replicas.clone()));
                break;
            };
            if let Some((owner, owner_key)) = taken.get(&number) {
                let message = format!(
                    "port {number} of {service}/{replica} is that of {owner} already: choose \
                     another, or write `auto`"
                );
                let problem = Problem::new(key.clone(), message)
                    .with_value(first)
                    .given(Kind::System, replicas.clone())
                    .given_all(Kind::System, owner_key.clone());
                problems.push(problem);
                break;
            }
            taken.insert(
                number,
                (format!("{service}/{replica} ({name})"), key.clone()),
            );
        }
    }
}

/// The ports that health check and events name.
fn ports_that_are_named(process: &ProcessBinding, key: &KeyPath, problems: &mut Problems) {
    let known: Vec<&str> = process.ports.keys().map(String::as_str).collect();
    let check = key.key("health").key("check");
    let health = match &process.health.check {
        HealthCheck::Http(http) => (check.key("http"), &http.port),
        HealthCheck::Tcp(tcp) => (check.key("tcp"), &tcp.port),
    };
    let events = process
        .events
        .as_ref()
        .map(|events| (key.key("events"), &events.port));
    for (at, port) in std::iter::once(health).chain(events) {
        if !process.ports.contains_key(port) {
            let problem = super::unknown(at.key("port"), port, "port", &known);
            problems.push(problem.given(Kind::System, key.key("ports")));
        }
    }
}

/// The words of a command, its environment and its token.
fn words(spec: &SystemSpec, process: &ProcessBinding, key: &KeyPath, problems: &mut Problems) {
    let mut known = known_to_all(spec);
    known.add("service");
    known.add("replica");
    known.depends_on(Kind::System, key.key("ports"));
    for port in process.ports.keys() {
        known.add(format!("port.{port}"));
    }
    for (name, service) in &spec.services {
        let process = service.process.as_ref();
        let services = KeyPath::dotted("spec.services");
        let ports = services.key(name).key("process").key("ports");
        known.depends_on(Kind::System, ports);
        if process.is_some_and(|process| process.ports.contains_key(USER_PORT)) {
            known.add(format!("endpoints.{name}"));
        }
    }
    texts(&known, &process.command, &process.env, key, problems);
    let bearer = process
        .events
        .as_ref()
        .and_then(|events| events.bearer.as_ref());
    if let Some(bearer) = bearer {
        known.check(bearer, &key.key("events").key("bearer"), problems);
    }
}

fn known_to_all(spec: &SystemSpec) -> Known {
    let secrets = spec.secrets.iter().map(|name| format!("secret.{name}"));
    let mut known = Known::of(std::iter::once("run".to_owned()).chain(secrets));
    known.depends_on(Kind::System, "spec.secrets");
    known.depends_on(Kind::System, "spec.services");
    known
}

fn texts(
    known: &Known,
    command: &[String],
    env: &IndexMap<String, String>,
    key: &KeyPath,
    problems: &mut Problems,
) {
    for (index, text) in command.iter().enumerate() {
        known.check(text, &key.key("command").index(index), problems);
    }
    for (name, text) in env {
        let key = key.key("env").key(name);
        if name.is_empty() || name.contains(['=', '\0']) {
            let message = format!("`{name}` is no name for a variable: leave out `=`");
            let problem = Problem::new(key.clone(), message).with_value(name);
            problems.push(problem.of_key());
        }
        known.check(text, &key, problems);
    }
}
