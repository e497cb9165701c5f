//! The settings say that something may be killed at all.

use super::Overall;
use crate::agent::Rules;

pub(super) fn check(rules: &Rules, _: &Overall<'_>) -> Result<(), String> {
    if rules.is_enabled {
        return Ok(());
    }
    Err("spec.enabled is false".to_owned())
}
