//! Running, ready and not about to end: whatever else is the matter with it already.

use super::Candidate;
use crate::agent::Rules;

pub(super) fn check(_: &Rules, candidate: &Candidate<'_>) -> Result<(), String> {
    let pod = candidate.pod;
    if pod.is_terminating {
        return Err("it is about to end".to_owned());
    }
    if pod.phase != "Running" {
        return Err(format!("it is `{}` and not `Running`", pod.phase));
    }
    if !pod.is_ready {
        return Err("it is not ready".to_owned());
    }
    Ok(())
}
