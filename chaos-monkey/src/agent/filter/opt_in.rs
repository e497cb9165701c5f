//! What was offered, and what was withheld. A word that is neither `true` nor `false` withholds:
//! nobody knows what was meant.

use super::Candidate;
use crate::agent::cluster::Described;
use crate::agent::{ENABLED, Rules};
use crate::schema::OptIn;

/// What is said in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::agent) enum Said {
    /// Nothing.
    #[default]
    Nothing,
    /// It is offered.
    Offered,
    /// It is withheld.
    Withheld,
}

impl Said {
    /// What labels and annotations say.
    pub(in crate::agent) fn of(described: &Described) -> Self {
        let mut said = Self::Nothing;
        for word in words(described) {
            if word != "true" {
                return Self::Withheld;
            }
            said = Self::Offered;
        }
        said
    }
}

/// Whether a pod can be a victim, by what is said in all places.
pub(in crate::agent) fn is_open(opt_in: OptIn, places: [Said; 3]) -> bool {
    let is_offered = opt_in == OptIn::None || places.contains(&Said::Offered);
    is_offered && !places.contains(&Said::Withheld)
}

pub(super) fn check(rules: &Rules, candidate: &Candidate<'_>) -> Result<(), String> {
    let mut is_offered = false;
    for (place, described) in candidate.places() {
        for word in words(described) {
            match word {
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

fn words(described: &Described) -> impl Iterator<Item = &str> {
    let words = [
        described.labels.get(ENABLED),
        described.annotations.get(ENABLED),
    ];
    words.into_iter().flatten().map(String::as_str)
}
