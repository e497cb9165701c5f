//! Ten calls at once on a dependency that may have three: three go in, three wait for them,
//! the rest is turned away at once.
//!
//! Run it with `cargo run -p resilience --example bulkhead`.

use std::time::Duration;

use futures_util::future::join_all;
use resilience::BoxError;
use resilience::bulkhead::{BulkheadConfig, BulkheadLayer};
use tokio::time::{Instant, sleep};
use tower::{Layer, ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let layer = BulkheadLayer::builder("metadata")
        .config(
            BulkheadConfig::new()
                .maximum_in_flight(3)
                .queue(3, Duration::from_millis(200)),
        )
        .build()?;
    let client = layer.layer(service_fn(async |call: u32| {
        sleep(Duration::from_millis(100)).await;
        Ok::<_, BoxError>(call)
    }));

    let begun = Instant::now();
    join_all((0..10).map(|call| {
        let answer = client.clone().oneshot(call);
        async move {
            let result = answer.await;
            let after = begun.elapsed().as_millis();
            match result {
                Ok(call) => println!("call {call}: answered after {after} ms"),
                Err(rejection) => println!("call {call}: {rejection}, after {after} ms"),
            }
        }
    }))
    .await;
    Ok(())
}
