//! What must hold in the guards of a `GameDay`, and faults that they would veto for ever.
//!
//! A fault that no situation lets through is a mistake of the file, not bad luck of the run.

use super::bindings::is_pods;
use super::{Problem, Problems};
use crate::file::{Backend, KeyPath};
use crate::schema::{Amount, Guards, Kind, ProcessBinding, System};
use crate::select::count;

/// Every mistake of the guards themselves.
pub(super) fn check(guards: &Guards, system: &System, problems: &mut Problems) {
    let root = KeyPath::dotted("spec.guards");
    let excluded = root.key("excludedServices");
    for (index, name) in guards.excluded_services.iter().enumerate() {
        if !system.spec.services.contains_key(name) {
            problems.unknown_service(excluded.index(index), name, system);
        }
    }
    if guards.halt_file.as_ref().is_some_and(String::is_empty) {
        let key = root.key("haltFile");
        problems.push(Problem::new(
            key,
            "the path is empty: name a file, or leave the key out",
        ));
    }
}

/// What guards forbid of a system whatever its situation.
pub(super) struct Forbidding<'spec> {
    guards: &'spec Guards,
    system: &'spec System,
    backend: Backend,
}

impl<'spec> Forbidding<'spec> {
    pub(super) fn new(guards: &'spec Guards, system: &'spec System, backend: Backend) -> Self {
        Self {
            guards,
            system,
            backend,
        }
    }

    /// Checks a fault that names its service in the key `service` of `fault`.
    pub(super) fn check(
        &self,
        service: &str,
        amount: Amount,
        allow_outage: bool,
        fault: &KeyPath,
        problems: &mut Problems,
    ) {
        let at = fault.key("service");
        self.check_at(service, amount, allow_outage, &at, fault, problems);
    }

    /// Checks a fault that names its service at a place of its own.
    pub(super) fn check_at(
        &self,
        service: &str,
        amount: Amount,
        allow_outage: bool,
        at: &KeyPath,
        fault: &KeyPath,
        problems: &mut Problems,
    ) {
        if !self.system.spec.services.contains_key(service) {
            problems.unknown_service(at.clone(), service, self.system);
            return;
        }
        if let Some(reason) = self.reason(service, amount, allow_outage) {
            let message = format!("the guards would never allow this: {reason}");
            let problem = Problem::new(at.clone(), message).with_value(service);
            problems.push(given(problem, service, fault));
        }
    }

    /// Checks a fault that may fall on any service: one of them must be left.
    pub(super) fn check_any(&self, amount: Amount, fault: &KeyPath, problems: &mut Problems) {
        let services = &self.system.spec.services;
        let reasons: Option<Vec<String>> = services
            .keys()
            .map(|service| self.reason(service, amount, false))
            .collect();
        let Some(first) = reasons.as_ref().and_then(|reasons| reasons.first()) else {
            return;
        };
        let message = format!("the guards would never allow this on any service: {first}");
        let problem = Problem::new(fault.clone(), message)
            .given_all(Kind::System, "spec.services")
            .given_all(Kind::GameDay, "spec.guards");
        problems.push(problem);
    }

    /// Why a fault on a service is never allowed.
    fn reason(&self, service: &str, amount: Amount, allow_outage: bool) -> Option<String> {
        if self
            .guards
            .excluded_services
            .iter()
            .any(|name| name == service)
        {
            return Some(format!(
                "`{service}` is one of spec.guards.excludedServices"
            ));
        }
        let replicas = self.process(service)?.replicas;
        let victims = count(amount, replicas);
        let left = replicas.saturating_sub(victims);
        let minimum = self.guards.minimum_healthy;
        if !allow_outage && left < minimum {
            return Some(format!(
                "it leaves {left} of {replicas} instances of `{service}`, and \
                 spec.guards.minimumHealthy is {minimum}"
            ));
        }
        let maximum = self.guards.maximum_down;
        if !allow_outage && victims > maximum {
            return Some(format!(
                "it takes {victims} instances at once, and spec.guards.maximumDown is {maximum}"
            ));
        }
        None
    }

    /// How a service runs as processes. How many pods there are is known to the cluster alone.
    fn process(&self, service: &str) -> Option<&ProcessBinding> {
        let service = self.system.spec.services.get(service)?;
        let process = service.process.as_ref();
        process.filter(|_| !is_pods(service, self.backend))
    }
}

/// Says what a verdict about a fault on a service was concluded from.
fn given(problem: Problem, service: &str, fault: &KeyPath) -> Problem {
    let process = KeyPath::dotted("spec.services").key(service).key("process");
    problem
        .given(Kind::System, process.key("replicas"))
        .given_all(Kind::GameDay, "spec.guards")
        .given_all(Kind::GameDay, fault.key("amount"))
        .given_all(Kind::GameDay, fault.key("allowOutage"))
}
