//! A controller that will bring the pod back, of a kind that the settings choose.

use super::Candidate;
use crate::agent::Rules;
use crate::agent::cluster::Owner;

pub(super) fn check(rules: &Rules, candidate: &Candidate<'_>) -> Result<(), String> {
    match &candidate.pod.owner {
        Owner::Nobody => Err("it has no controller that would bring it back".to_owned()),
        Owner::Unknown(what) => Err(format!(
            "its controller is {what}: nobody knows whether that brings it back"
        )),
        Owner::Known(owner) if !rules.owner_kinds.contains(&owner.kind) => Err(format!(
            "its controller is a {}, which is not one of spec.owners.kinds",
            owner.kind.as_str()
        )),
        Owner::Known(owner) if candidate.owner.is_none() => {
            Err(format!("nothing is known about its controller {owner}"))
        }
        Owner::Known(_) => Ok(()),
    }
}
