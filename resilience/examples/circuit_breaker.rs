//! A dependency breaks and comes back; the breaker spares it and the callers meanwhile.
//!
//! Run it with `cargo run -p resilience --example circuit_breaker`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use resilience::BoxError;
use resilience::circuit_breaker::{CircuitBreakerConfig, CircuitBreakerLayer, Window};
use resilience::telemetry::{Event, Telemetry};
use tokio::time::sleep;
use tower::{Layer, ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let telemetry = Telemetry::default();
    let mut events = telemetry.subscribe();
    let config = CircuitBreakerConfig::new()
        .window(Window::time(Duration::from_secs(10)))
        .minimum_calls(5)
        .failure_rate(0.5)
        .slow_calls(Duration::from_millis(200), 0.8)
        .backoff([100, 200, 400].map(Duration::from_millis).into_iter());
    let layer = CircuitBreakerLayer::builder("metadata")
        .config(config)
        .telemetry(telemetry)
        .build()?;

    let is_broken = Arc::new(AtomicBool::new(false));
    let dependency = Arc::clone(&is_broken);
    let client = layer.layer(service_fn(move |_: Request<()>| {
        let mut response = Response::new(());
        if dependency.load(Ordering::Relaxed) {
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }
        std::future::ready(Ok::<_, BoxError>(response))
    }));

    for call in 0..40 {
        is_broken.store((5..20).contains(&call), Ordering::Relaxed);
        match client.clone().oneshot(Request::new(())).await {
            Ok(response) => println!("call {call}: {}", response.status()),
            Err(rejection) => println!("call {call}: {rejection}"),
        }
        while let Ok(event) = events.try_recv() {
            if let Event::BreakerTransition {
                from, to, reason, ..
            } = event
            {
                println!("    {} -> {}: {reason}", from.as_str(), to.as_str());
            }
        }
        sleep(Duration::from_millis(25)).await;
    }
    println!("the breaker is {}", layer.handle().state().as_str());
    Ok(())
}
