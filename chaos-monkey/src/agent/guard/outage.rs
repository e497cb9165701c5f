//! Nothing is broken already.

use super::Situation;
use crate::agent::Rules;

pub(super) fn check(_: &Rules, situation: &Situation<'_>) -> Result<(), String> {
    situation
        .outage
        .map_or(Ok(()), |outage| Err(outage.to_owned()))
}
