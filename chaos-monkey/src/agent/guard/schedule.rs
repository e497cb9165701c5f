//! It is one of the days and hours in which people are there.

use super::Situation;
use crate::agent::Rules;

pub(super) fn check(rules: &Rules, situation: &Situation<'_>) -> Result<(), String> {
    if rules.calendar.is_open(situation.now) {
        return Ok(());
    }
    let now = situation.now.to_zoned(rules.calendar.zone().clone());
    let now = now.strftime("%a %F %H:%M %:z");
    Err(format!("{now} is outside of the hours of spec.schedule"))
}
