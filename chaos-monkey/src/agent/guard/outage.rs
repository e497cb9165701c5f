//! Nothing is broken already.

use super::Overall;
use crate::agent::Rules;

pub(super) fn check(_: &Rules, overall: &Overall<'_>) -> Result<(), String> {
    overall
        .outage
        .map_or(Ok(()), |outage| Err(outage.to_owned()))
}
