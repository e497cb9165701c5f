//! `verdict.json`: everything that was derived, for machines.

use serde::Serialize;

use crate::verdict::{Run, Verdict};

/// The version of the format.
pub const VERDICT_VERSION: u32 = 1;

#[derive(Serialize)]
struct VerdictFile<'a> {
    version: u32,
    #[serde(flatten)]
    verdict: &'a Verdict,
    #[serde(flatten)]
    run: &'a Run,
}

/// The verdict and every number as JSON, with a line feed at its end. Times are microseconds
/// since the load began, latencies milliseconds, ratios from 0 to 1.
pub fn json(run: &Run, verdict: &Verdict) -> String {
    let file = VerdictFile {
        version: VERDICT_VERSION,
        verdict,
        run,
    };
    // Cannot fail: no map has keys that are not text, and no number is missing its value.
    let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
    text.push('\n');
    text
}
