//! What its controller says about how it is killed from must be understood.

use super::Candidate;
use crate::agent::Rules;
use crate::agent::workload::Narrowing;

pub(super) fn check(rules: &Rules, candidate: &Candidate<'_>) -> Result<(), String> {
    let Some(owner) = candidate.owner else {
        return Ok(());
    };
    match Narrowing::of(owner, rules) {
        Ok(_) => Ok(()),
        Err(misread) => Err(format!("its owner says {misread}")),
    }
}
