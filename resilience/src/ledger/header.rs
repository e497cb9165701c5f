//! The header `degradation`, a list of RFC 9651:
//! `recommendations;reason=open;stood-in=popular;weight=0.3`.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use sfv::{
    BareItem, Decimal, Item, KeyRef, List, ListEntry, ListSerializer, Parser, StringRef, TokenRef,
};

use super::merge::{share, sum};
use super::{Degradation, Reason};

/// The name of the header.
pub const HEADER: &str = "degradation";

/// The largest value that is written, in bytes: an eighth of the 8 KiB that common servers
/// allow for all headers together.
pub const SIZE_LIMIT: usize = 1_024;

/// The dependency under which entries are summed up that no longer fit.
const OTHER: &str = "other";

/// The dependency of an entry that stands for a header which could not be read.
const UNREADABLE: &str = "unreadable";

/// The value for these entries, or nothing if there are none. Where it would be too large, the
/// lightest entries fold into one called `other` whose weight is their sum.
pub fn format(entries: &[Degradation]) -> Option<HeaderValue> {
    let text = serialize(entries)?;
    let text = if text.len() <= SIZE_LIMIT {
        text
    } else {
        serialize(&fold(entries))?
    };
    HeaderValue::from_str(&text).ok()
}

/// The entries of all `degradation` headers. A header that cannot be read is an entry called
/// `unreadable` with weight 0: it is known that something was replaced, and not how much.
pub fn parse(headers: &HeaderMap) -> Vec<Degradation> {
    let mut entries = Vec::new();
    for value in headers.get_all(HEADER) {
        match Parser::new(value.as_bytes()).parse::<List>() {
            Ok(list) => entries.extend(list.iter().filter_map(read_entry)),
            Err(_) => entries.push(unreadable()),
        }
    }
    entries
}

fn unreadable() -> Degradation {
    Degradation {
        dependency: UNREADABLE.to_owned(),
        reason: Reason::Error,
        stood_in: UNREADABLE.to_owned(),
        weight: 0.0,
        age: None,
    }
}

fn read_entry(entry: &ListEntry) -> Option<Degradation> {
    let ListEntry::Item(item) = entry else {
        return Some(unreadable());
    };
    let word = |key: &str| item.params.get(KeyRef::from_str(key).ok()?).and_then(text);
    let Some(dependency) = text(&item.bare_item) else {
        return Some(unreadable());
    };
    Some(Degradation {
        dependency,
        reason: word("reason").map_or(Reason::Error, |word| Reason::from_token(&word)),
        stood_in: word("stood-in").unwrap_or_default(),
        weight: share(number(item, "weight").unwrap_or(0.0)),
        age: number(item, "age")
            .filter(|seconds| *seconds >= 0.0)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
    })
}

fn text(value: &BareItem) -> Option<String> {
    match value {
        BareItem::Token(token) => Some(token.as_str().to_owned()),
        BareItem::String(string) => Some(string.as_str().to_owned()),
        _ => None,
    }
}

fn number(item: &Item, key: &str) -> Option<f64> {
    match item.params.get(KeyRef::from_str(key).ok()?)? {
        BareItem::Decimal(decimal) => Some(f64::from(*decimal)),
        BareItem::Integer(integer) => Some(i64::from(*integer) as f64),
        _ => None,
    }
}

/// The heaviest entries that fit beside one `other` with the rest of the sum.
fn fold(entries: &[Degradation]) -> Vec<Degradation> {
    let mut kept = entries.to_vec();
    kept.sort_by(|left, right| right.weight.total_cmp(&left.weight));
    let total = sum(entries);
    while let Some(lightest) = kept.pop() {
        let mut folded = kept.clone();
        folded.push(Degradation {
            dependency: OTHER.to_owned(),
            reason: lightest.reason,
            stood_in: OTHER.to_owned(),
            weight: (total - sum(&kept)).min(1.0),
            age: None,
        });
        if serialize(&folded).is_some_and(|text| text.len() <= SIZE_LIMIT) {
            return folded;
        }
    }
    Vec::new()
}

fn serialize(entries: &[Degradation]) -> Option<String> {
    let mut list = ListSerializer::new();
    for entry in entries {
        let item = match TokenRef::from_str(&entry.dependency) {
            Ok(token) => list.bare_item(token),
            Err(_) => list.bare_item(StringRef::from_str(&entry.dependency).ok()?),
        };
        let mut item = item.parameter(
            KeyRef::from_str("reason").ok()?,
            TokenRef::from_str(entry.reason.as_str()).ok()?,
        );
        item = match TokenRef::from_str(&entry.stood_in) {
            Ok(token) => item.parameter(KeyRef::from_str("stood-in").ok()?, token),
            Err(_) => item.parameter(
                KeyRef::from_str("stood-in").ok()?,
                StringRef::from_str(&entry.stood_in).ok()?,
            ),
        };
        item = item.parameter(
            KeyRef::from_str("weight").ok()?,
            Decimal::try_from(share(entry.weight)).ok()?,
        );
        if let Some(age) = entry.age {
            let seconds = i64::try_from(age.as_secs().min(999_999_999)).ok()?;
            item.parameter(
                KeyRef::from_str("age").ok()?,
                sfv::Integer::try_from(seconds).ok()?,
            );
        }
    }
    list.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(value: &[u8]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_bytes(value).unwrap());
        headers
    }

    fn entry(dependency: &str, weight: f64) -> Degradation {
        Degradation {
            dependency: dependency.to_owned(),
            reason: Reason::Open,
            stood_in: "popular".to_owned(),
            weight,
            age: None,
        }
    }

    #[test]
    fn reads_as_documented() {
        let value = format(&[entry("recommendations", 0.3)]).unwrap();
        assert_eq!(
            value,
            "recommendations;reason=open;stood-in=popular;weight=0.3"
        );
        assert_eq!(
            parse(&headers(value.as_bytes())),
            [entry("recommendations", 0.3)]
        );
        assert_eq!(format(&[]), None);
    }

    #[test]
    fn what_cannot_be_read_is_known_to_be_degraded() {
        let entries = parse(&headers(b"recommendations;;;"));
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].dependency, "unreadable");
    }

    #[test]
    fn what_does_not_fit_folds_with_the_sum_kept() {
        let entries: Vec<_> = (0..60)
            .map(|number| entry(&format!("dependency-{number}"), 0.01))
            .collect();
        let value = format(&entries).unwrap();
        assert!(value.len() <= SIZE_LIMIT);
        let read = parse(&headers(value.as_bytes()));
        assert_eq!(read.last().unwrap().dependency, "other");
        assert!((sum(&read) - 0.6).abs() < 0.001);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            names in prop::collection::vec("[a-z][a-z0-9-]{0,20}", 1..8),
            thousandths in 0..=1_000_u32,
            seconds in prop::option::of(0..100_000_u64),
        ) {
            let entries: Vec<_> = names
                .iter()
                .map(|name| Degradation {
                    age: seconds.map(Duration::from_secs),
                    ..entry(name, f64::from(thousandths) / 1_000.0)
                })
                .collect();
            let value = format(&entries).unwrap();
            prop_assert_eq!(parse(&headers(value.as_bytes())), entries);
        }

        #[test]
        fn garbage_never_panics(value in prop::collection::vec(0x20_u8..0x7f, 0..200)) {
            let entries = parse(&headers(&value));
            prop_assert!(entries.iter().all(|entry| (0.0..=1.0).contains(&entry.weight)));
        }
    }
}
