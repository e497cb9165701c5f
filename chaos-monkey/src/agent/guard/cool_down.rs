//! An owner is left alone for a while after a kill.

use jiff::SignedDuration;

use super::Situation;
use crate::agent::Rules;

pub(super) fn check(rules: &Rules, situation: &Situation<'_>) -> Result<(), String> {
    let span = rules.guards.cool_down;
    let span_signed = SignedDuration::try_from(span.get()).unwrap_or(SignedDuration::MAX);
    for entry in situation.earlier_kills_of_the_owner() {
        let since = situation.overall.now.duration_since(entry.at);
        if since < span_signed {
            return Err(format!(
                "`{}` was killed {} s ago, and spec.guards.coolDown is {span}",
                entry.pod,
                since.as_secs().max(0)
            ));
        }
    }
    Ok(())
}
