//! A deadline belongs to the request and not to one attempt: what is left of it is told to the
//! next hop, whoever is late is not even sent, a read ends with it, and a write runs to its end.
//!
//! Run it with `cargo run -p resilience --example deadline`.

use std::time::Duration;

use http::{Method, Request, Response};
use resilience::BoxError;
use resilience::context::{CallContext, Priority, TraceContext};
use resilience::deadline::{Deadline, DeadlineLayer};
use tokio::time::{Instant, sleep};
use tower::{Layer, ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let layer = DeadlineLayer::builder("metadata")
        .limit(Duration::from_millis(500))
        .reserve(Duration::from_millis(20))
        .build()?;
    let slow = layer.layer(service_fn(async |request: Request<()>| {
        let left = Deadline::of(request.extensions()).map(|end| end - Instant::now());
        println!("  the dependency has {:?} for a {}", left, request.method());
        sleep(Duration::from_millis(300)).await;
        println!("  the {} is done", request.method());
        Ok::<_, BoxError>(Response::new(()))
    }));

    for (method, left) in [
        (Method::GET, 1_000),
        (Method::GET, 200),
        (Method::PUT, 200),
        (Method::GET, 10),
    ] {
        println!("a {method} whose caller waits for another {left} ms");
        let end = Instant::now() + Duration::from_millis(left);
        let context = CallContext::new(Some(end), Priority::default(), TraceContext::begin());
        let mut request = Request::builder().method(method).body(())?;
        request.extensions_mut().insert(context);
        let begun = Instant::now();
        let said = match slow.clone().oneshot(request).await {
            Ok(_) => "an answer".to_owned(),
            Err(error) => error.to_string(),
        };
        println!("  its caller got, after {:?}: {said}", begun.elapsed());
    }
    // The write goes on: nobody waits for it, but half a write would be worse.
    sleep(Duration::from_millis(300)).await;
    Ok(())
}
