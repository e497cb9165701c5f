//! `Retry-After`, in seconds or as a date: the wait is what the header says, never negative, and
//! reads the same when it is written again in either form.
#![no_main]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use resilience::retry::read_retry_after;

/// The last second that a date of HTTP can name, in the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

fn read(value: HeaderValue, now: SystemTime) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, value);
    read_retry_after(&headers, now)
}

fn read_text(text: &str, now: SystemTime) -> Option<Duration> {
    read(HeaderValue::from_str(text).expect("digits or a date"), now)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

// The first four bytes say when it is read, in seconds since 1970.
fuzz_target!(|bytes: &[u8]| {
    let Some((now, text)) = bytes.split_first_chunk::<4>() else {
        return;
    };
    let now = UNIX_EPOCH + Duration::from_secs(u32::from_be_bytes(*now).into());
    let Ok(value) = HeaderValue::from_bytes(text) else {
        return;
    };
    let found = read(value.clone(), now);
    let text = value.to_str().unwrap_or_default().trim();
    if is_number(text) {
        let digits = text.trim_start_matches('0');
        let seconds = match digits.len() {
            0 => 0,
            1..=19 => digits.parse().expect("they fit"),
            _ => digits.parse().unwrap_or(u64::MAX),
        };
        assert_eq!(found, Some(Duration::from_secs(seconds)));
    }
    let Some(wait) = found else {
        return;
    };
    assert_eq!(wait.subsec_nanos(), 0, "both forms have whole seconds");
    assert_eq!(read_text(&wait.as_secs().to_string(), now), found);
    if !is_number(text) {
        assert!(wait.as_secs() <= LAST_SECOND);
        let later = now + Duration::from_secs(1);
        let left = read(value, later).expect("it is a date at any time");
        assert_eq!(left, wait.saturating_sub(Duration::from_secs(1)));
    }
    let until = now.checked_add(wait);
    let is_date = |until: &SystemTime| *until <= UNIX_EPOCH + Duration::from_secs(LAST_SECOND);
    if let Some(until) = until.filter(is_date) {
        assert_eq!(read_text(&httpdate::fmt_http_date(until), now), found);
    }
});
