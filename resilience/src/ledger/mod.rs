//! The degradation ledger: what was replaced in an answer, why, and by what.
//!
//! A weight is a share of the answer of the hop that reports it. What a call reports is
//! multiplied by the weight that the caller declared for that call, and its sum is capped by
//! it. So harvest, `1 − Σ weight`, means the same at every hop: how complete this answer is.
//!
//! **When not to use it**: for what the user must be told in words (that belongs into the answer
//! itself; the ledger is for machines), or for failures: an answer of 5xx has no parts that could
//! have been replaced.
//!
//! ```
//! use resilience::ledger::{Degradation, Ledger, Reason, harvest, parse};
//!
//! let degradation = |dependency: &str, stood_in: &str, weight| {
//!     Degradation::new(dependency, Reason::Open, stood_in, weight)
//! };
//! let ledger = Ledger::default();
//! // This hop left the weather out, which was a tenth of its answer.
//! ledger.record(degradation("weather", "none", 0.1));
//! // And metadata, which provides half of it, says that half of its own part was replaced.
//! ledger.merge(vec![degradation("profiles", "last-good", 0.5)], 0.5);
//! assert!((harvest(&ledger.entries()) - 0.65).abs() < 1e-9);
//!
//! let mut headers = http::HeaderMap::new();
//! if let Some(header) = ledger.to_header() {
//!     headers.insert(resilience::ledger::HEADER, header);
//! }
//! assert_eq!(parse(&headers).len(), 2);
//! ```

mod degradation;
#[cfg(feature = "axum")]
mod extractor;
mod header;
mod merge;
#[cfg(test)]
mod tests;

use http::HeaderValue;
use parking_lot::Mutex;

pub use degradation::{Degradation, Reason};
#[cfg(feature = "axum")]
pub use extractor::Degradations;
pub use header::{HEADER, SIZE_LIMIT, format, parse};
pub use merge::{harvest, scale};

/// What was replaced so far in the answer to one request.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: Mutex<Vec<Degradation>>,
}

impl Ledger {
    /// Records one replaced part of this hop's own answer.
    pub fn record(&self, degradation: Degradation) {
        self.entries.lock().push(degradation);
    }

    /// Merges what a used answer of a dependency reported, as `weight` of the whole.
    pub fn merge(&self, reported: Vec<Degradation>, weight: f64) {
        if reported.is_empty() {
            return;
        }
        self.entries.lock().extend(scale(reported, weight));
    }

    /// What was replaced so far.
    pub fn entries(&self) -> Vec<Degradation> {
        self.entries.lock().clone()
    }

    /// How complete the answer is, 0 to 1.
    pub fn harvest(&self) -> f64 {
        harvest(&self.entries.lock())
    }

    /// The header for the answer, or nothing if it is full.
    pub fn to_header(&self) -> Option<HeaderValue> {
        format(&self.entries.lock())
    }
}
