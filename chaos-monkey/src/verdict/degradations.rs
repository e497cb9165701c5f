//! The degradations of one answer, and how often each occurred.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use resilience::ledger::{self, HEADER};

use super::run::{DegradationCount, Replaced, Troubled};

/// The degradations in a header as the journal keeps it.
pub(super) fn parse(header: &str) -> Vec<Replaced> {
    let Ok(value) = HeaderValue::from_str(header) else {
        return Vec::new();
    };
    if header.is_empty() {
        return Vec::new();
    }
    let headers = HeaderMap::from_iter([(HeaderName::from_static(HEADER), value)]);
    ledger::parse(&headers)
        .into_iter()
        .map(|degradation| Replaced {
            dependency: degradation.dependency,
            reason: degradation.reason.as_str().to_owned(),
            stood_in: degradation.stood_in,
            weight: degradation.weight,
        })
        .collect()
}

/// How often each dependency was replaced for each reason by each stand-in, most frequent first.
pub(super) fn count(troubled: &[Troubled]) -> Vec<DegradationCount> {
    let mut counts: BTreeMap<(&str, &str, &str), (u64, f64)> = BTreeMap::new();
    for replaced in troubled.iter().flat_map(|request| &request.degradations) {
        let key = (
            &*replaced.dependency,
            &*replaced.reason,
            &*replaced.stood_in,
        );
        let (requests, weight) = counts.entry(key).or_default();
        *requests += 1;
        *weight += replaced.weight;
    }
    let mut counts: Vec<_> = counts
        .into_iter()
        .map(
            |((dependency, reason, stood_in), (requests, weight))| DegradationCount {
                dependency: dependency.to_owned(),
                reason: reason.to_owned(),
                stood_in: stood_in.to_owned(),
                requests,
                mean_weight: (weight / requests as f64 * 1e6).round() / 1e6,
            },
        )
        .collect();
    counts.sort_by_key(|count| Reverse(count.requests));
    counts
}
