//! What was offered, and what was withheld. A word that is neither `true` nor `false` withholds:
//! nobody knows what was meant.

use super::Candidate;
use crate::agent::{ENABLED, Rules};
use crate::schema::OptIn;

pub(super) fn check(rules: &Rules, candidate: &Candidate<'_>) -> Result<(), String> {
    let mut is_offered = false;
    for (place, described) in candidate.places() {
        let words = [
            described.labels.get(ENABLED),
            described.annotations.get(ENABLED),
        ];
        for word in words.into_iter().flatten() {
            match word.as_str() {
                "true" => is_offered = true,
                "false" => return Err(format!("its {place} says `{ENABLED}: false`")),
                other => {
                    return Err(format!(
                        "its {place} says `{ENABLED}: {other}`, and only `true` and `false` are \
                         understood"
                    ));
                }
            }
        }
    }
    if is_offered || rules.opt_in == OptIn::None {
        return Ok(());
    }
    Err(format!(
        "neither the pod nor its owner nor its namespace says `{ENABLED}: true`"
    ))
}
