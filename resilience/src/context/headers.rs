//! The names of the headers that carry a context, and how they are read and written.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use super::{CallContext, Priority, TraceContext};

/// W3C Trace Context.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What is left until the deadline, in whole milliseconds, so that clocks need not agree.
pub const DEADLINE: HeaderName = HeaderName::from_static("aplomb-deadline-ms");

/// How much the request matters; see [`Priority`].
pub const PRIORITY: HeaderName = HeaderName::from_static("aplomb-priority");

/// On a failing answer: it was repeated in vain already.
pub const NO_RETRY: HeaderName = HeaderName::from_static("aplomb-no-retry");

/// On a write: all attempts with the same key are one write.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What was replaced in an answer; see [`crate::ledger`].
pub const DEGRADATION: HeaderName = HeaderName::from_static(crate::ledger::HEADER);

/// How the names begin of all headers that are spoken between our own services only.
const INTERNAL_PREFIX: &str = "aplomb-";

/// The longest deadline that makes sense, a day: what is longer is taken as this.
const LONGEST_DEADLINE: Duration = Duration::from_hours(24);

/// What is left until the deadline, if the header says so in digits and nothing else.
pub fn read_remaining(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(DEADLINE)?.to_str().ok()?;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // More digits than fit are more than a day.
    let milliseconds = text.parse().unwrap_or(u64::MAX);
    Some(Duration::from_millis(milliseconds).min(LONGEST_DEADLINE))
}

/// Writes what is left until `deadline`, rounded down: a hop must not think it has more.
pub fn write_remaining(headers: &mut HeaderMap, deadline: Instant) {
    let left = deadline.saturating_duration_since(Instant::now());
    let milliseconds = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    headers.insert(DEADLINE, HeaderValue::from(milliseconds));
}

/// Whether a failing answer says that it was repeated in vain already.
pub fn is_not_to_be_retried(headers: &HeaderMap) -> bool {
    headers.get(NO_RETRY).is_some_and(|value| value == "1")
}

/// Removes what nobody outside may send in: every `aplomb-…` header, those of later versions
/// included, and `degradation`. They would let a stranger set priorities, cut deadlines and claim
/// degradations. A trace may be continued from outside.
pub fn strip_internal(headers: &mut HeaderMap) {
    headers.remove(DEGRADATION);
    let internal: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with(INTERNAL_PREFIX))
        .cloned()
        .collect();
    for name in internal {
        headers.remove(name);
    }
}

/// The context that the headers of an arriving request carry. Its deadline is the earlier of the
/// default and of what the request brings, minus `reserve`.
pub fn read_context(
    headers: &HeaderMap,
    default_deadline: Option<Duration>,
    reserve: Duration,
) -> CallContext {
    let sent = read_remaining(headers).map(|left| left.saturating_sub(reserve));
    let remaining = match (sent, default_deadline) {
        (Some(sent), Some(default)) => Some(sent.min(default)),
        (sent, default) => sent.or(default),
    };
    let priority = headers
        .get(PRIORITY)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or_default();
    let trace = headers
        .get(TRACEPARENT)
        .and_then(|value| value.to_str().ok()?.parse::<TraceContext>().ok())
        .map_or_else(TraceContext::begin, TraceContext::child);
    CallContext::new(
        remaining.and_then(|left| Instant::now().checked_add(left)),
        priority,
        trace,
    )
}

/// Writes trace and priority of the context; the deadline is written per attempt.
pub fn write_context(headers: &mut HeaderMap, context: &CallContext) {
    if let Ok(value) = HeaderValue::from_str(&context.trace().child().to_string()) {
        headers.insert(TRACEPARENT, value);
    }
    if context.priority() != Priority::default() {
        let value = HeaderValue::from_static(context.priority().as_str());
        headers.insert(PRIORITY, value);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_deadline_is_read_or_it_is_none(text in "[ -~]{0,24}") {
            let mut headers = HeaderMap::new();
            headers.insert(DEADLINE, HeaderValue::from_str(&text).unwrap());
            let digits = !text.is_empty() && text.chars().all(|letter| letter.is_ascii_digit());
            let read = read_remaining(&headers);
            prop_assert_eq!(read.is_some(), digits);
            prop_assert!(read.unwrap_or_default() <= LONGEST_DEADLINE);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_written_is_what_is_left() {
        let deadline = Instant::now() + Duration::from_millis(500);
        tokio::time::advance(Duration::from_micros(120_500)).await;
        let mut headers = HeaderMap::new();
        write_remaining(&mut headers, deadline);
        assert_eq!(read_remaining(&headers), Some(Duration::from_millis(379)));
    }
}
