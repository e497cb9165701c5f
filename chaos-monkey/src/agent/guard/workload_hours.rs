//! It is one of the hours that the workload itself allows.

use super::Situation;
use crate::agent::{Rules, workload};

pub(super) fn check(rules: &Rules, situation: &Situation<'_>) -> Result<(), String> {
    let Some(hours) = situation.narrowing.hours else {
        return Ok(());
    };
    let now = situation
        .overall
        .now
        .to_zoned(rules.calendar.zone().clone());
    if hours.contain(&now) {
        return Ok(());
    }
    let (now, annotation) = (now.strftime("%a %F %H:%M %:z"), workload::HOURS);
    Err(format!(
        "{now} is outside of {hours}, its own `{annotation}`"
    ))
}
