//! A length of time that can be absent.

use std::fmt;
use std::time::Duration;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Span;

/// A limit in time, or the word `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(pub Option<Duration>);

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(duration) => Span(duration).serialize(serializer),
            None => serializer.serialize_str("none"),
        }
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(LimitVisitor)
    }
}

struct LimitVisitor;

impl Visitor<'_> for LimitVisitor {
    type Value = Limit;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a length of time like `500ms` or `2s`, or `none`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Limit, E> {
        if text == "none" {
            return Ok(Limit(None));
        }
        humantime::parse_duration(text)
            .map(|duration| Limit(Some(duration)))
            .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}
