//! So many workdays lie between two kills of one owner.

use super::Situation;
use crate::agent::{Rules, plan};

pub(super) fn check(rules: &Rules, situation: &Situation<'_>) -> Result<(), String> {
    let workdays = rules.minimum_time();
    if workdays == 0 {
        return Ok(());
    }
    let zone = rules.calendar.zone();
    let now = situation.overall.now.to_zoned(zone.clone());
    let not_since = rules.calendar.workdays_before(now.date(), workdays);
    for entry in situation.earlier_kills_of_the_owner() {
        if plan::is_too_soon(&entry.at.to_zoned(zone.clone()), &now, not_since) {
            return Err(format!(
                "`{}` was killed at {}, less than {workdays} workdays ago",
                entry.pod, entry.at
            ));
        }
    }
    Ok(())
}
