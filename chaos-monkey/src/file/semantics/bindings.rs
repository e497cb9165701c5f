//! What the place of a game day needs of its system.

use super::{Problem, Problems};
use crate::file::{Backend, KeyPath};
use crate::schema::{GameDaySpec, Kind, Service, System};

/// Complains if a service does not say how it runs there.
pub(super) fn check(
    spec: &GameDaySpec,
    system: &System,
    backend: Backend,
    problems: &mut Problems,
) {
    let (is_missing, key, what): (fn(&Service) -> bool, _, _) = match backend {
        Backend::Any => return,
        Backend::Processes => (
            |service| service.process.is_none(),
            "process",
            "how it runs as a local process",
        ),
        Backend::Kubernetes => (
            |service| service.kubernetes.is_none(),
            "kubernetes",
            "which pods it is",
        ),
    };
    let services = system.spec.services.iter();
    let missing = services.filter(|(_, service)| is_missing(service));
    let missing: Vec<String> = missing.map(|(name, _)| format!("`{name}`")).collect();
    let text = match missing.as_slice() {
        [] => return,
        [only] => format!("its service {only} has no `{key}` binding: say there {what}"),
        several => format!(
            "its services {} have no `{key}` binding: say in each {what}",
            several.join(", ")
        ),
    };
    let problem = Problem::new(KeyPath::dotted("spec.system"), text).with_value(&spec.system);
    problems.push(problem.given_all(Kind::System, "spec.services"));
}

/// Whether an entry of a time line or a load that names a service means pods.
pub(super) fn is_pods(service: &Service, backend: Backend) -> bool {
    match backend {
        Backend::Any => service.process.is_none(),
        Backend::Processes => false,
        Backend::Kubernetes => true,
    }
}
