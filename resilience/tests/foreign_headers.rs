//! Headers that strangers write: any bytes, and far too many of them.

use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use proptest::prelude::*;
use resilience::context::{Priority, headers};
use resilience::fault::Faults;
use resilience::fault::signed::FaultKey;
use resilience::{ledger, retry};
use tower::ServiceExt;

const DAY: Duration = Duration::from_hours(24);
const MEBIBYTE: usize = 1024 * 1024;

/// Every header that something here reads.
const READ: [HeaderName; 8] = [
    headers::DEADLINE,
    headers::GRPC_TIMEOUT,
    headers::PRIORITY,
    headers::TRACEPARENT,
    headers::FAULT,
    headers::CALLER,
    http::header::RETRY_AFTER,
    HeaderName::from_static(ledger::HEADER),
];

/// All of them with this value.
fn filled(value: &HeaderValue) -> HeaderMap {
    READ.map(|name| (name, value.clone())).into_iter().collect()
}

/// Reads all of them, and holds what is read against what it may be.
fn read(headers: &HeaderMap) -> Result<(), TestCaseError> {
    let now = SystemTime::now();
    let deadlines = [
        headers::read_remaining(headers),
        headers::read_grpc_timeout(headers),
    ];
    prop_assert!(deadlines.into_iter().flatten().all(|left| left <= DAY));
    let context = headers::read_context(headers, Some(DAY), Duration::ZERO);
    prop_assert!(context.remaining().is_some_and(|left| left <= DAY));
    let entries = ledger::parse(headers);
    prop_assert!(
        entries
            .iter()
            .all(|entry| (0.0..=1.0).contains(&entry.weight))
    );
    let written = ledger::format(&entries);
    prop_assert!(written.is_none_or(|value| value.len() <= ledger::SIZE_LIMIT));
    let _ = retry::read_retry_after(headers, now);
    Ok(())
}

/// A mebibyte of each of these.
fn huge() -> impl Iterator<Item = HeaderValue> {
    let fills = [
        "9", "-", "a", ",", ";", "a,", "a;b=1,", "\"", "\t", "00-", "\u{ff}",
    ];
    fills.into_iter().flat_map(|fill| {
        let value = fill.repeat(MEBIBYTE / fill.len());
        HeaderValue::from_bytes(value.as_bytes())
    })
}

#[test]
fn a_mebibyte_is_read_or_refused_by_every_parser() {
    for value in huge() {
        let headers = filled(&value);
        read(&headers).unwrap();
        let context = headers::read_context(&headers, None, Duration::ZERO);
        assert_eq!(context.priority(), Priority::Default);
        let entries = ledger::parse(&headers);
        let [entry] = entries.as_slice() else {
            panic!("{} entries of what is too long", entries.len());
        };
        assert_eq!(
            (entry.dependency.as_str(), entry.weight),
            ("unreadable", 0.0)
        );
    }
}

#[tokio::test]
async fn a_mebibyte_does_not_disturb_a_server() {
    let key = FaultKey::new([7; 32]).unwrap();
    let faults = Faults::builder("metadata").key(key).build();
    for server in [
        resilience::server("metadata").internal(),
        resilience::server("metadata").edge(),
    ] {
        let router = Router::new()
            .route("/", get(async || ()))
            .layer(server.faults(faults.clone()).build().unwrap());
        for value in huge() {
            let mut request = Request::get("/").body(Body::empty()).unwrap();
            *request.headers_mut() = filled(&value);
            let answer = router.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            read(&filled(&value))?;
        }
    }

    #[test]
    fn what_nearly_is_a_value_is_read_or_refused(
        text in "[0-9]{0,24}[HMSmun]?|critical|[a-z;=,. \"0-9-]{0,80}|[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT",
    ) {
        if let Ok(value) = HeaderValue::from_str(&text) {
            read(&filled(&value))?;
        }
    }
}
