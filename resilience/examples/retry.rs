//! Reads are repeated, writes only with a key, and the budget ends it.
//!
//! Run it with `cargo run -p resilience --example retry`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::{Method, Request, Response, StatusCode};
use resilience::BoxError;
use resilience::retry::{RetryConfig, RetryLayer};
use tower::{Layer, ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let config = RetryConfig::new().maximum_attempts(3).budget(0.5, 0);
    let layer = RetryLayer::builder("metadata")
        .config(config)
        .seed(7)
        .build()?;

    let attempts = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&attempts);
    let client = layer.layer(service_fn(move |_: Request<()>| {
        counter.fetch_add(1, Ordering::Relaxed);
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        std::future::ready(Ok::<_, BoxError>(response))
    }));

    for (what, method, key) in [
        ("a write without a key", Method::POST, None),
        ("a write with a key", Method::POST, Some("7f3a")),
        ("a read", Method::GET, None),
        ("another read", Method::GET, None),
    ] {
        let mut request = Request::builder().method(method);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let before = attempts.load(Ordering::Relaxed);
        let response = client.clone().oneshot(request.body(())?).await?;
        let took = attempts.load(Ordering::Relaxed) - before;
        println!("{what}: {} after {took} attempts", response.status());
    }
    Ok(())
}
