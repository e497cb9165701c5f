//! What a verdict says of made-up journals, one subject a file.

mod attribution;
mod instances;
mod outcome;
mod recovery;
mod reference;
mod windows;

use serde_json::json;

use super::synthetic::{Kind, MILLISECOND, POPULAR, SECOND, Synthetic, instance, passing};
use super::*;
use crate::journal::{Cause, Entry, LostWhat, Record, RequestResult};
use crate::schema::{Metric, Phase};

fn judged(journal: &Synthetic) -> (Run, Verdict) {
    let run = fold(&journal.entries());
    let verdict = judge(&run);
    (run, verdict)
}

fn kinds(verdict: &Verdict) -> Vec<ReasonKind> {
    verdict.reasons.iter().map(|reason| reason.kind).collect()
}

fn fail(journal: &mut Synthetic, at: i64, cause: Cause) {
    journal.request(at, 10 * MILLISECOND, Kind::Failed(cause));
}
