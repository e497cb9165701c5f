//! How complete a usable answer was.

use http::HeaderMap;

/// The header of the degradation ledger.
const HEADER: &str = "degradation";

/// How complete a usable answer was.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Completeness {
    /// Whether nothing was replaced.
    pub(crate) is_full: bool,
    /// The degradations as they stand in the header, several lines joined as RFC 9110 says.
    pub(crate) header: String,
    /// 1 for a full answer, less when a part was replaced.
    pub(crate) harvest: f64,
}

impl Completeness {
    /// Reads the degradation ledger in an answer's headers.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let lines: Vec<_> = headers
            .get_all(HEADER)
            .iter()
            .map(|line| String::from_utf8_lossy(line.as_bytes()))
            .collect();
        let header = lines.join(", ");
        let weights = header.split("weight=").skip(1).filter_map(|text| {
            text.split([';', ','])
                .next()
                .and_then(|weight| weight.trim().parse::<f64>().ok())
        });
        let harvest = (1.0 - weights.sum::<f64>()).max(0.0);
        Self {
            is_full: header.is_empty(),
            header,
            harvest,
        }
    }
}
