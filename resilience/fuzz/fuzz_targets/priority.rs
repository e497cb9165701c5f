//! The priority of a request, as both boundaries of a server read it: one of three words from
//! inside, and nobody's word from outside.
#![no_main]

use std::convert::Infallible;
use std::sync::LazyLock;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::Full;
use libfuzzer_sys::fuzz_target;
use resilience::context::{CallContext, Priority, headers};
use resilience::server::ServerLayer;
use tower::{Layer, ServiceExt, service_fn};

static INSIDE: LazyLock<ServerLayer> = LazyLock::new(|| {
    resilience::server("inside")
        .internal()
        .build()
        .expect("the defaults")
});
static EDGE: LazyLock<ServerLayer> =
    LazyLock::new(|| resilience::server("edge").build().expect("the defaults"));

/// The priority with which a handler works, and the header that it sees.
fn seen(server: &ServerLayer, headers: &HeaderMap) -> (Priority, Option<HeaderValue>) {
    let (tell, told) = std::sync::mpsc::channel();
    let handler = service_fn(move |request: Request<()>| {
        let context = CallContext::of(request.extensions()).expect("the server makes one");
        let header = request.headers().get(headers::PRIORITY).cloned();
        let _ = tell.send((context.priority(), header));
        async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) }
    });
    let mut request = Request::new(());
    *request.headers_mut() = headers.clone();
    let answer = server.layer(handler).oneshot(request).now_or_never();
    assert!(matches!(answer, Some(Ok(_))), "nobody else is there");
    told.recv().expect("the handler was called")
}

fuzz_target!(|bytes: &[u8]| {
    let mut map = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(value) = HeaderValue::from_bytes(line) else {
            return;
        };
        map.append(headers::PRIORITY, value);
    }
    let first = map.get(headers::PRIORITY).cloned();
    let known = [Priority::Critical, Priority::Default, Priority::Sheddable];
    let named = known.into_iter().find(|priority| {
        first
            .as_ref()
            .is_some_and(|first| first == priority.as_str())
    });
    let expected = named.unwrap_or_default();
    assert_eq!(seen(&INSIDE, &map), (expected, first));
    assert_eq!(seen(&EDGE, &map), (Priority::Default, None));

    // What is passed on is read alike by the next one.
    let context = CallContext::new(None, expected, resilience::context::TraceContext::begin());
    let mut written = HeaderMap::new();
    headers::write_context(&mut written, &context);
    assert_eq!(seen(&INSIDE, &written).0, expected);
});
