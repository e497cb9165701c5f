//! What a stack tells of itself: events as they happen, and metrics to scrape. Effective success,
//! what callers got, stands beside actual success, what the dependency did: the difference is
//! what the middleware made good.
//!
//! Run it with `cargo run -p resilience --example telemetry`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use prometheus::{Registry, TextEncoder};
use resilience::BoxError;
use resilience::balance::Endpoints;
use resilience::circuit_breaker::CircuitBreakerConfig;
use resilience::fallback::Fallback;
use resilience::telemetry::Telemetry;
use tower::service_fn;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let registry = Registry::new();
    let telemetry = Telemetry::new(&registry)?;
    let mut events = telemetry.subscribe();
    // Every second answer is a failure, until all of them are.
    let calls = Arc::new(AtomicUsize::new(0));
    let dependency = service_fn(move |_: Request<Bytes>| {
        let status = match calls.fetch_add(1, Ordering::Relaxed) {
            number @ 0..20 if number % 2 == 1 => StatusCode::OK,
            _ => StatusCode::BAD_GATEWAY,
        };
        let mut answer = Response::new(Full::new(Bytes::from("rows")));
        *answer.status_mut() = status;
        std::future::ready(Ok::<_, BoxError>(answer))
    });
    let metadata = resilience::client("metadata")
        .endpoints(Endpoints::parse("http://metadata:4000")?)
        .breaker(CircuitBreakerConfig::new().consecutive_failures(5))
        .fallback(Fallback::new().last_good(100, Duration::from_secs(60)))
        .telemetry(telemetry.clone())
        .build_on(dependency)?;
    for _ in 0..20 {
        let _ = metadata
            .send(Request::get("/rows").body(Bytes::new())?)
            .await;
    }

    println!("what happened:");
    while let Ok(event) = events.try_recv() {
        println!("  {event:?}");
    }
    println!("what is counted:");
    let text = TextEncoder::new().encode_to_string(&registry.gather())?;
    let shown = [
        "requests_total",
        "attempts_total",
        "fallbacks_total",
        "breaker_state",
    ];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if shown.iter().any(|name| line.contains(name)) {
            println!("  {line}");
        }
    }
    Ok(())
}
