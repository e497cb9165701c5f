//! `aplomb-fault`: what is not signed breaks nothing.
#![no_main]

use std::convert::Infallible;
use std::sync::LazyLock;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use libfuzzer_sys::fuzz_target;
use resilience::context::headers;
use resilience::fault::signed::FaultKey;
use resilience::fault::{FaultLayer, Faults};
use tower::{Layer, ServiceExt, service_fn};

static FAULTS: LazyLock<Faults> = LazyLock::new(|| {
    let key = FaultKey::new([7; 32]).expect("it is long enough");
    Faults::builder("fuzzed").key(key).build()
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(bytes) else {
        return;
    };
    let service = FaultLayer::new(FAULTS.clone()).layer(service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    }));
    let mut request = Request::new(());
    request.headers_mut().insert(headers::FAULT, value);
    let answer = service.oneshot(request).now_or_never();
    let Some(Ok(answer)) = answer else {
        panic!("an unsigned header delays a request");
    };
    assert_eq!(answer.status(), StatusCode::OK);
});
