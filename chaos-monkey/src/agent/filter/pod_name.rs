//! The names that the settings choose.

use super::Candidate;
use crate::agent::Rules;

pub(super) fn check(rules: &Rules, candidate: &Candidate<'_>) -> Result<(), String> {
    let name = &candidate.pod.name;
    if let Some(pattern) = &rules.pods.names
        && !pattern.is_match(name)
    {
        return Err(format!(
            "spec.pods.names ({pattern}) is not found in its name"
        ));
    }
    if let Some(pattern) = &rules.pods.except_names
        && pattern.is_match(name)
    {
        return Err(format!(
            "spec.pods.exceptNames ({pattern}) is found in its name"
        ));
    }
    Ok(())
}
