//! `Retry-After`, in seconds or as a date.
#![no_main]

use std::time::SystemTime;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use resilience::retry::read_retry_after;

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(bytes) else {
        return;
    };
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, value);
    let _ = read_retry_after(&headers, SystemTime::UNIX_EPOCH);
});
