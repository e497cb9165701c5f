//! Both deadlines: what is read is at most a day.
#![no_main]

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use resilience::context::headers;

const DAY: Duration = Duration::from_hours(24);

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(bytes) else {
        return;
    };
    let mut map = HeaderMap::new();
    map.insert(headers::DEADLINE, value.clone());
    map.insert(headers::GRPC_TIMEOUT, value);
    let read = [
        headers::read_remaining(&map),
        headers::read_grpc_timeout(&map),
    ];
    assert!(read.into_iter().flatten().all(|left| left <= DAY));
    let _ = headers::read_context(&map, Some(DAY), Duration::from_millis(10));
});
