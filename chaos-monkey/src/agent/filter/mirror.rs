//! Mirrors of static pods: killing one ends nothing.

use super::Candidate;
use crate::agent::Rules;

/// What the kubelet writes on the mirror of a static pod.
const MIRROR: &str = "kubernetes.io/config.mirror";

pub(super) fn check(_: &Rules, candidate: &Candidate<'_>) -> Result<(), String> {
    if candidate.pod.described.annotations.contains_key(MIRROR) {
        return Err("it mirrors a static pod".to_owned());
    }
    Ok(())
}
