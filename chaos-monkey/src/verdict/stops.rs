//! What ended a run early.

use super::run::Limit;
use crate::schema::GameDaySpec;

/// The limit of an abort condition, by its id.
pub(super) fn limit(spec: &GameDaySpec, condition: &str) -> Option<Limit> {
    spec.abort
        .iter()
        .find(|written| written.id == condition)
        .map(|written| Limit {
            metric: written.metric,
            bound: written.unless,
        })
}
