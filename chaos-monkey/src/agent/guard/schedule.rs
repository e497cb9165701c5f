//! It is one of the days and hours in which people are there.

use super::Overall;
use crate::agent::Rules;

pub(super) fn check(rules: &Rules, overall: &Overall<'_>) -> Result<(), String> {
    if rules.calendar.is_open(overall.now) {
        return Ok(());
    }
    let now = overall.now.to_zoned(rules.calendar.zone().clone());
    let now = now.strftime("%a %F %H:%M %:z");
    Err(format!("{now} is outside of the hours of spec.schedule"))
}
