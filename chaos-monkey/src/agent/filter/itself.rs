//! The agent's own pods, by the label that its chart gives them.

use super::Candidate;
use crate::agent::Rules;

const NAME: &str = "app.kubernetes.io/name";
const OWN: &str = "chaos-monkey";

pub(super) fn check(_: &Rules, candidate: &Candidate<'_>) -> Result<(), String> {
    let name = candidate.pod.described.labels.get(NAME);
    if name.is_some_and(|name| name == OWN) {
        return Err("it is a pod of the agent".to_owned());
    }
    Ok(())
}
