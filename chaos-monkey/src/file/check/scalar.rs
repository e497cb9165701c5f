//! Texts, durations, numbers, true and false.

use std::time::Duration;

use serde_json::Value as Json;

use super::{Checker, allows_null};
use crate::file::KeyPath;
use crate::file::tree::{Node, Value};
use crate::schema::{Span, patterns};

/// The longest duration that makes sense in a game day.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What a duration looks like.
const DURATION: &str = "expected a number and a unit, as in `250ms`, `8s` or `1m 30s`";

impl<'schema> Checker<'schema> {
    pub(super) fn text(&mut self, schema: &'schema Json, node: &Node, path: &KeyPath) -> Node {
        let is_duration = schema.get("format").is_some_and(|form| form == "duration");
        let text = match &node.value {
            Value::Text(text) => text,
            Value::Null if allows_null(schema) => return node.clone(),
            _ if is_duration => return self.wrong(schema, node, path, DURATION),
            _ => return self.wrong(schema, node, path, "expected a text: put it in quotes"),
        };
        let complaint = if is_duration {
            complaint_about_duration(text)
        } else {
            complaint_about_text(schema, text)
        };
        match complaint {
            None => node.clone(),
            Some(expected) => self.wrong(schema, node, path, &expected),
        }
    }

    pub(super) fn number(
        &mut self,
        schema: &'schema Json,
        node: &Node,
        path: &KeyPath,
        whole: bool,
    ) -> Node {
        let value = match node.value {
            Value::Integer(integer) => Some(integer as f64),
            Value::Number(number) if !whole => Some(number),
            Value::Null if allows_null(schema) => return node.clone(),
            _ => None,
        };
        let least = bound(schema, "minimum");
        let most = bound(schema, "maximum");
        let fits = value.is_some_and(|value| {
            value.is_finite()
                && least.is_none_or(|least| value >= least)
                && most.is_none_or(|most| value <= most)
        });
        if fits {
            return node.clone();
        }
        let kind = if whole { "a whole number" } else { "a number" };
        let expected = match (least, most) {
            (Some(least), Some(most)) => format!("expected {kind} from {least} to {most}"),
            (Some(least), None) => format!("expected {kind}, at least {least}"),
            (None, Some(most)) => format!("expected {kind}, at most {most}"),
            (None, None) => format!("expected {kind}"),
        };
        self.wrong(schema, node, path, &expected)
    }

    pub(super) fn boolean(&mut self, schema: &'schema Json, node: &Node, path: &KeyPath) -> Node {
        match node.value {
            Value::Boolean(_) => node.clone(),
            _ => self.wrong(schema, node, path, "expected true or false"),
        }
    }
}

fn bound(schema: &Json, key: &str) -> Option<f64> {
    schema.get(key).and_then(Json::as_f64)
}

fn complaint_about_duration(text: &str) -> Option<String> {
    match text.parse::<Span>() {
        Ok(span) if span.get() > LONGEST => Some("expected at most `24h`".to_owned()),
        Ok(_) => None,
        Err(_) if text.starts_with('-') => {
            Some(format!("a duration is never negative, {DURATION}"))
        }
        Err(_) => Some(DURATION.to_owned()),
    }
}

fn complaint_about_text(schema: &Json, text: &str) -> Option<String> {
    if text.is_empty() && schema.get("minLength").is_some() {
        return Some("expected a text that is not empty".to_owned());
    }
    let pattern = schema.get("pattern").and_then(Json::as_str)?;
    if patterns::fits(pattern, text) {
        return None;
    }
    Some(format!("expected {}", patterns::meaning(pattern)))
}
