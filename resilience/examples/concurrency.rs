//! A limit that follows what is measured: the dependency works on eight calls at a time and lets
//! the rest queue. The limit begins low, rises until calls get slower, and settles there.
//!
//! Run it with `cargo run -p resilience --example concurrency`.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use resilience::BoxError;
use resilience::bulkhead::{BulkheadConfig, BulkheadLayer};
use resilience::concurrency::AdaptiveLimit;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tower::{Layer, ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let layer = BulkheadLayer::builder("metadata")
        .config(
            BulkheadConfig::new()
                .adaptive(AdaptiveLimit::gradient().bounds(1, 200))
                .queue(100, Duration::from_secs(1)),
        )
        .build()?;
    let workers = Arc::new(Semaphore::new(8));
    let client = layer.layer(service_fn(move |(): ()| {
        let workers = Arc::clone(&workers);
        async move {
            let _worker = workers.acquire().await?;
            sleep(Duration::from_millis(10)).await;
            Ok::<_, BoxError>(())
        }
    }));

    // Forty callers that ask again and again, and one that looks on.
    let callers = join_all((0..40).map(async |_| {
        for _ in 0..60 {
            let _ = client.clone().oneshot(()).await;
        }
    }));
    let looking = async {
        loop {
            println!("{:?}", layer.handle().status());
            sleep(Duration::from_millis(250)).await;
        }
    };
    tokio::select! {
        _ = callers => {}
        () = looking => {}
    }
    println!("at the end: {:?}", layer.handle().status());
    Ok(())
}
