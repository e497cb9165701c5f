//! The header `degradation`, a list of RFC 9651:
//! `recommendations;reason=open;stood-in=popular;weight=0.3`.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use sfv::{
    BareItem, Decimal, Integer, Item, KeyRef, List, ListEntry, ListSerializer, Parser, RefBareItem,
    StringRef, TokenRef, key_ref,
};

use super::merge::{share, sum};
use super::{Degradation, Reason};

/// The name of the header.
pub const HEADER: &str = "degradation";

/// The largest value that is written, in bytes: an eighth of the 8 KiB that common servers
/// allow for all headers together.
pub const SIZE_LIMIT: usize = 1_024;

/// The most that is read of one answer, in bytes: what sixteen hops write that do not merge.
const READ_LIMIT: usize = 16 * SIZE_LIMIT;

/// The dependency under which entries are summed up that no longer fit.
const OTHER: &str = "other";

/// What stands between two entries.
const SEPARATOR: &str = ", ";

/// How long the entry `other` can be, with the longest reason and weight.
const LONGEST_OTHER: usize = "other;reason=no-endpoint;stood-in=other;weight=0.999".len();

/// The dependency of an entry that stands for a header which could not be read.
const UNREADABLE: &str = "unreadable";

const REASON: &KeyRef = key_ref("reason");
const STOOD_IN: &KeyRef = key_ref("stood-in");
const WEIGHT: &KeyRef = key_ref("weight");
const AGE: &KeyRef = key_ref("age");

/// The oldest age that is written, in seconds: more than thirty years.
const OLDEST: u64 = 999_999_999;

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
/// `unreadable` with weight 0: it is known that something was replaced, and not how much. What
/// goes beyond 16 KiB is not read.
pub fn parse(headers: &HeaderMap) -> Vec<Degradation> {
    let mut entries = Vec::new();
    let mut left = READ_LIMIT;
    for value in headers.get_all(HEADER) {
        let Some(rest) = left.checked_sub(value.len()) else {
            entries.push(unreadable());
            break;
        };
        left = rest;
        match Parser::new(value.as_bytes()).parse::<List>() {
            Ok(list) => entries.extend(list.iter().map(read_entry)),
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

fn read_entry(entry: &ListEntry) -> Degradation {
    let ListEntry::Item(item) = entry else {
        return unreadable();
    };
    let word = |key: &KeyRef| item.params.get(key).and_then(text);
    let Some(dependency) = text(&item.bare_item) else {
        return unreadable();
    };
    Degradation {
        dependency,
        reason: word(REASON).map_or(Reason::Error, |word| Reason::from_token(&word)),
        stood_in: word(STOOD_IN).unwrap_or_default(),
        weight: share(number(item, WEIGHT).unwrap_or(0.0)),
        age: number(item, AGE)
            .filter(|seconds| *seconds >= 0.0)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
    }
}

fn text(value: &BareItem) -> Option<String> {
    match value {
        BareItem::Token(token) => Some(token.as_str().to_owned()),
        BareItem::String(string) => Some(string.as_str().to_owned()),
        BareItem::DisplayString(string) => Some(string.clone()),
        _ => None,
    }
}

fn number(item: &Item, key: &KeyRef) -> Option<f64> {
    match item.params.get(key)? {
        BareItem::Decimal(decimal) => Some(f64::from(*decimal)),
        BareItem::Integer(integer) => Some(i64::from(*integer) as f64),
        _ => None,
    }
}

/// The heaviest entries that fit beside one `other` with the rest of the sum.
fn fold(entries: &[Degradation]) -> Vec<Degradation> {
    let mut heaviest_first = entries.to_vec();
    heaviest_first.sort_by(|left, right| right.weight.total_cmp(&left.weight));
    let room = SIZE_LIMIT - LONGEST_OTHER;
    let mut size = 0;
    let fitting = heaviest_first
        .iter()
        .take_while(|entry| {
            let text = serialize(std::slice::from_ref(*entry));
            size += text.map_or(0, |text| text.len() + SEPARATOR.len());
            size <= room
        })
        .count();
    let folded = heaviest_first.split_off(fitting);
    let mut kept = heaviest_first;
    if let Some(heaviest_folded) = folded.first() {
        kept.push(Degradation {
            dependency: OTHER.to_owned(),
            reason: heaviest_folded.reason,
            stood_in: OTHER.to_owned(),
            weight: sum(&folded).min(1.0),
            age: None,
        });
    }
    kept
}

fn serialize(entries: &[Degradation]) -> Option<String> {
    let mut list = ListSerializer::new();
    for entry in entries {
        let item = list
            .bare_item(word(&entry.dependency))
            .parameter(REASON, word(entry.reason.as_str()))
            .parameter(STOOD_IN, word(&entry.stood_in))
            .parameter(WEIGHT, thousandths(entry.weight));
        if let Some(age) = entry.age {
            // Ages up to the oldest fit into an integer of RFC 9651, which has 15 digits.
            let seconds = Integer::try_from(age.as_secs().min(OLDEST)).unwrap_or(Integer::MAX);
            item.parameter(AGE, seconds);
        }
    }
    list.finish()
}

/// A token where it is one, else a string where it is ASCII, else a display string, which may
/// hold anything: no name may keep an answer from being marked.
fn word(text: &str) -> RefBareItem<'_> {
    if let Ok(token) = TokenRef::from_str(text) {
        return RefBareItem::Token(token);
    }
    if let Ok(string) = StringRef::from_str(text) {
        return RefBareItem::String(string);
    }
    RefBareItem::DisplayString(text)
}

/// A weight with the three decimals that RFC 9651 has.
fn thousandths(weight: f64) -> Decimal {
    Decimal::try_from(share(weight)).unwrap_or(Decimal::ZERO)
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

    #[test]
    fn the_heaviest_stay_and_keep_their_names() {
        let mut entries: Vec<_> = (0..60)
            .map(|number| entry(&format!("dependency-{number}"), 0.001))
            .collect();
        entries.push(entry("metadata", 0.5));
        let read = parse(&headers(format(&entries).unwrap().as_bytes()));
        assert_eq!(read[0], entry("metadata", 0.5));
    }

    #[test]
    fn one_name_that_is_too_long_folds() {
        let value = format(&[entry(&"a".repeat(2_000), 0.25)]).unwrap();
        assert_eq!(value, "other;reason=open;stood-in=other;weight=0.25");
    }

    #[test]
    fn every_header_line_counts_and_each_unreadable_one_is_an_entry() {
        let mut lines = headers(b"metadata;weight=0.1, (playback auth)");
        lines.append(HEADER, HeaderValue::from_static("=;="));
        lines.append(HEADER, HeaderValue::from_static("\"auth\";weight=7"));
        let read = parse(&lines);
        let names: Vec<_> = read.iter().map(|entry| entry.dependency.as_str()).collect();
        assert_eq!(names, ["metadata", UNREADABLE, UNREADABLE, "auth"]);
        assert!((sum(&read) - 1.1).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            names in prop::collection::vec("[a-z][a-z0-9-]{0,20}|\\PC{0,6}", 1..8),
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
        fn the_size_is_bounded_and_the_sum_is_kept(
            parts in prop::collection::vec(("[a-z]{1,40}|\\PC{0,40}", 0..20_u32), 0..80),
        ) {
            let entries: Vec<_> = parts
                .iter()
                .map(|(name, thousandths)| entry(name, f64::from(*thousandths) / 1_000.0))
                .collect();
            let naive: u32 = parts.iter().map(|(_, thousandths)| thousandths).sum();
            let naive = f64::from(naive) / 1_000.0;
            let Some(value) = format(&entries) else {
                prop_assert!(entries.is_empty());
                return Ok(());
            };
            prop_assert!(value.len() <= SIZE_LIMIT);
            let read = parse(&headers(value.as_bytes()));
            // What folds is capped at 1, which is all there is to lose.
            prop_assert!((sum(&read) - naive).abs() < 1e-6 || sum(&read) >= 1.0);
        }

        #[test]
        fn garbage_never_panics(value in prop::collection::vec(0x20_u8..0x7f, 0..200)) {
            let entries = parse(&headers(&value));
            prop_assert!(entries.iter().all(|entry| (0.0..=1.0).contains(&entry.weight)));
        }
    }
}
