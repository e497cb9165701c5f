//! A hundred callers ask for the same title at once, and the dependency is asked once.
//!
//! Run it with `cargo run -p resilience --example coalesce`.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::try_join_all;
use http::{Request, Response};
use resilience::BoxError;
use resilience::coalesce::CoalesceLayer;
use tower::{Layer, ServiceExt, service_fn};

static CALLS: AtomicU32 = AtomicU32::new(0);

async fn title(_: Request<()>) -> Result<Response<&'static str>, BoxError> {
    CALLS.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(50)).await;
    Ok(Response::new("The Long Harbour"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let layer = CoalesceLayer::builder("metadata").build();
    let client = layer.layer(service_fn(title));
    let callers = (0..100).map(|_| {
        let request = Request::builder().uri("/titles/7").body(());
        let client = client.clone();
        async move { client.oneshot(request?).await }
    });
    let answers = try_join_all(callers).await?;
    println!(
        "{} answers, {} call",
        answers.len(),
        CALLS.load(Ordering::Relaxed)
    );
    Ok(())
}
