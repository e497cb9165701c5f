//! The header `degradation`: what is read adds up to a share, and is read again as it is written.
#![no_main]

use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use resilience::ledger;

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(bytes) else {
        return;
    };
    let mut headers = HeaderMap::new();
    headers.insert(ledger::HEADER, value);
    let entries = ledger::parse(&headers);
    assert!((0.0..=1.0).contains(&ledger::harvest(&entries)));
    let Some(written) = ledger::format(&entries) else {
        assert!(entries.is_empty());
        return;
    };
    headers.insert(ledger::HEADER, written);
    let again = ledger::parse(&headers);
    assert!(!again.is_empty());
    assert!((ledger::harvest(&again) - ledger::harvest(&entries)).abs() < 0.01);
});
