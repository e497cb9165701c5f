//! A service is broken on purpose, under a lease that ends by itself.
//!
//! Run it with `cargo run -p resilience --example fault`.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use resilience::BoxError;
use resilience::fault::{Delay, FaultKind, FaultLayer, FaultSpec, Faults};
use tokio::time::{Instant, sleep};
use tower::{Layer, ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let faults = Faults::builder("metadata").seed(7).build();
    let service = FaultLayer::new(faults.clone()).layer(service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("a title"))))
    }));

    let lease = Duration::from_millis(300);
    let tail = Delay::LogNormal {
        median_ms: 20.0,
        sigma: 0.8,
    };
    faults.inject(FaultSpec::new(FaultKind::Delay { delay: tail }, lease).percentage(50.0))?;
    let unavailable = FaultKind::Status { status: 503 };
    faults.inject(FaultSpec::new(unavailable, lease).percentage(20.0))?;

    for _ in 0..12 {
        let begun = Instant::now();
        let response = service.clone().oneshot(Request::new(())).await?;
        let active = faults.list().len();
        println!(
            "{} after {:>5.1?}, {active} faults active",
            response.status(),
            begun.elapsed()
        );
        sleep(Duration::from_millis(40)).await;
    }
    Ok(())
}
