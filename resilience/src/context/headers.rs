//! The names of the headers that carry a context, and how they are read and written.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use super::{CallContext, Priority, TraceContext};

/// W3C Trace Context.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What is left until the deadline, in whole milliseconds, so that clocks need not agree.
pub const DEADLINE: HeaderName = HeaderName::from_static("aplomb-deadline-ms");

/// gRPC's deadline: what is left, as up to eight digits and a unit. Read beside our own, the
/// shorter one counts; written beside it on calls of gRPC.
pub const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// How much the request matters; see [`Priority`].
pub const PRIORITY: HeaderName = HeaderName::from_static("aplomb-priority");

/// Who calls, as its client stack says it.
pub const CALLER: HeaderName = HeaderName::from_static("aplomb-caller");

/// A fault that the request brings for itself, signed; see [`crate::fault`].
pub const FAULT: HeaderName = HeaderName::from_static("aplomb-fault");

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

/// What is left until the deadline of a gRPC call, if the header says so as the protocol wants
/// it: one to eight digits and one of the units `H`, `M`, `S`, `m`, `u`, `n`.
pub fn read_grpc_timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let is_number = (1..=8).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit());
    if !is_number {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    let left = match unit {
        "H" => Duration::from_secs(value * 3_600),
        "M" => Duration::from_secs(value * 60),
        "S" => Duration::from_secs(value),
        "m" => Duration::from_millis(value),
        "u" => Duration::from_micros(value),
        "n" => Duration::from_nanos(value),
        _ => return None,
    };
    Some(left.min(LONGEST_DEADLINE))
}

/// Writes what is left until `deadline`, rounded down: a hop must not think it has more. Calls
/// of gRPC get it in their own header, too.
pub fn write_remaining(headers: &mut HeaderMap, deadline: Instant) {
    write_left(headers, deadline.saturating_duration_since(Instant::now()));
}

/// Writes that `left` is left.
pub(crate) fn write_left(headers: &mut HeaderMap, left: Duration) {
    let milliseconds = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    // A value that is made of a number directly allocates twice.
    if let Ok(value) = HeaderValue::from_str(itoa::Buffer::new().format(milliseconds)) {
        headers.insert(DEADLINE, value);
    }
    if is_grpc(headers)
        && let Ok(value) = HeaderValue::from_str(&grpc_timeout(left))
    {
        headers.insert(GRPC_TIMEOUT, value);
    }
}

/// Whether the headers are those of a gRPC call: `application/grpc`, with or without a format.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// In the finest unit whose value fits into eight digits.
fn grpc_timeout(left: Duration) -> String {
    const LARGEST: u128 = 99_999_999;
    let (nanos, micros) = (left.as_nanos(), left.as_micros());
    let (millis, seconds) = (left.as_millis(), u128::from(left.as_secs()));
    match () {
        () if nanos <= LARGEST => format!("{nanos}n"),
        () if micros <= LARGEST => format!("{micros}u"),
        () if millis <= LARGEST => format!("{millis}m"),
        () if seconds <= LARGEST => format!("{seconds}S"),
        () => format!("{}H", (seconds / 3_600).min(LARGEST)),
    }
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
    let sent = [read_remaining(headers), read_grpc_timeout(headers)];
    let sent = sent.into_iter().flatten().min();
    let sent = sent.map(|left| left.saturating_sub(reserve));
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
    if let Ok(value) = HeaderValue::from_bytes(&context.trace().child().header()) {
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

    fn of_grpc(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(GRPC_TIMEOUT, HeaderValue::from_str(text).unwrap());
        read_grpc_timeout(&headers)
    }

    #[test]
    fn the_deadline_of_grpc_is_read_in_every_unit() {
        for (text, expected) in [
            ("2H", Some(Duration::from_hours(2))),
            ("3M", Some(Duration::from_mins(3))),
            ("10S", Some(Duration::from_secs(10))),
            ("250m", Some(Duration::from_millis(250))),
            ("82u", Some(Duration::from_micros(82))),
            ("00000007n", Some(Duration::from_nanos(7))),
            ("99999999H", Some(LONGEST_DEADLINE)),
            ("", None),
            ("S", None),
            ("1", None),
            ("1s", None),
            ("-1S", None),
            ("123456789n", None),
            ("1 S", None),
        ] {
            assert_eq!(of_grpc(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_for_grpc_is_read_again_rounded_down(nanos in 0_u64..86_400_000_000_000) {
            let left = Duration::from_nanos(nanos);
            let read = of_grpc(&grpc_timeout(left)).unwrap();
            prop_assert!(read <= left);
            // The next unit is a thousand times coarser: of eight digits five are left.
            prop_assert!(left.saturating_sub(read) <= left / 90_000);
        }

        #[test]
        fn no_deadline_of_grpc_panics(text in "[ -~]{0,24}") {
            let _ = of_grpc(&text);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_of_grpc_carries_both_headers_and_the_shorter_one_counts() {
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/grpc+proto"),
        );
        write_remaining(&mut headers, Instant::now() + Duration::from_millis(500));
        assert_eq!(headers[GRPC_TIMEOUT], "500000u");
        assert_eq!(headers[DEADLINE], "500");
        headers.insert(GRPC_TIMEOUT, HeaderValue::from_static("100m"));
        let context = read_context(&headers, None, Duration::ZERO);
        let left = context.deadline().unwrap() - Instant::now();
        assert_eq!(left, Duration::from_millis(100));
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
