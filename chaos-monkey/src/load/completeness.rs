//! How complete a usable answer was.

use http::HeaderMap;
use resilience::ledger;

/// How complete a usable answer was.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Completeness {
    /// Whether nothing was replaced.
    pub(crate) is_full: bool,
    /// The degradations as a header of at most 1 KiB; empty for a full answer. Written anew from
    /// what was read, so that no answer can put more or anything else into the journal.
    pub(crate) degradation: String,
    /// 1 for a full answer, less when a part was replaced.
    pub(crate) harvest: f64,
}

impl Completeness {
    /// Reads the degradation ledger in an answer's headers.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let entries = ledger::parse(headers);
        let header = ledger::format(&entries);
        let text = header.as_ref().and_then(|header| header.to_str().ok());
        Self {
            is_full: entries.is_empty(),
            degradation: text.unwrap_or_default().to_owned(),
            harvest: ledger::harvest(&entries),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(lines: &[&'static str]) -> Completeness {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(ledger::HEADER, HeaderValue::from_static(line));
        }
        Completeness::of(&headers)
    }

    #[test]
    fn an_answer_without_degradations_is_full() {
        for lines in [&[][..], &[""][..]] {
            let completeness = of(lines);
            assert!(completeness.is_full);
            assert_eq!(completeness.degradation, "");
            assert!((completeness.harvest - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn degradations_of_all_lines_count() {
        let lines = [
            "recommendations;reason=open;stood-in=popular;weight=0.3",
            "metadata;reason=timeout;stood-in=index;weight=0.25",
        ];
        let completeness = of(&lines);
        assert!(!completeness.is_full);
        assert_eq!(completeness.degradation, lines.join(", "));
        assert!((completeness.harvest - 0.45).abs() < 1e-9);
    }

    #[test]
    fn a_header_that_cannot_be_read_is_no_full_answer() {
        let completeness = of(&["<<<"]);
        assert!(!completeness.is_full);
        assert!(!completeness.degradation.is_empty());
        assert!(!completeness.degradation.contains('<'));
    }
}
