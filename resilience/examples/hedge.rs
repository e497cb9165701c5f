//! A read that is slower than usual is sent a second time.
//!
//! Run it with `cargo run -p resilience --example hedge`.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::{Request, Response};
use resilience::BoxError;
use resilience::hedge::{HedgeConfig, HedgeLayer};
use tokio::time::Instant;
use tower::{Layer, ServiceExt, service_fn};

static CALLS: AtomicU32 = AtomicU32::new(0);

/// Every fourth call takes 400 ms, the others 5 ms.
async fn sometimes_slow(_: Request<()>) -> Result<Response<&'static str>, BoxError> {
    let number = CALLS.fetch_add(1, Ordering::Relaxed);
    let time = if number % 4 == 3 { 400 } else { 5 };
    tokio::time::sleep(Duration::from_millis(time)).await;
    Ok(Response::new("a title"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let config = HedgeConfig::after(Duration::from_millis(25)).budget(0.5, 1);
    let layer = HedgeLayer::builder("metadata").config(config).build()?;
    let client = layer.layer(service_fn(sometimes_slow));
    for call in 1..=8 {
        let began = Instant::now();
        let title = client.clone().oneshot(Request::new(())).await?;
        println!("call {call}: {} after {:?}", title.body(), began.elapsed());
    }
    println!("8 calls, {} attempts", CALLS.load(Ordering::Relaxed));
    Ok(())
}
