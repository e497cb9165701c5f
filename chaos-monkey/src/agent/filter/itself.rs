//! The agent's own pods: by the label that its chart gives them, by their own name, and by their
//! controller.

use super::Candidate;
use crate::agent::Rules;
use crate::agent::cluster::Owner;

const NAME: &str = "app.kubernetes.io/name";
const OWN: &str = "chaos-monkey";

pub(super) fn check(rules: &Rules, candidate: &Candidate<'_>) -> Result<(), String> {
    let pod = candidate.pod;
    let name = pod.described.labels.get(NAME);
    if name.is_some_and(|name| name == OWN) {
        return Err("it is a pod of the agent".to_owned());
    }
    let Some(itself) = &rules.itself else {
        return Ok(());
    };
    if (&pod.namespace, &pod.name) == (&itself.namespace, &itself.pod) {
        return Err("it is the agent itself".to_owned());
    }
    match (&pod.owner, &itself.owner) {
        (Owner::Known(owner), Some(own)) if owner == own => {
            Err(format!("it is a copy of the agent, of {own}"))
        }
        _ => Ok(()),
    }
}
