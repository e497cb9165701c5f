//! A breaker for each host: the bad one is left alone, and the others are asked as before. Their
//! number is bounded, and what operators see is one line for each.
//!
//! Run it with `cargo run -p resilience --example keyed_breaker`.

use http::{Request, Response, StatusCode};
use resilience::BoxError;
use resilience::circuit_breaker::CircuitBreakerConfig;
use resilience::circuit_breaker::keyed::KeyedCircuitBreakerLayer;
use tower::{Layer, ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let host = |request: &Request<()>| request.uri().host().unwrap_or_default().to_owned();
    let layer = KeyedCircuitBreakerLayer::builder("cdn", host)
        .config(CircuitBreakerConfig::new().consecutive_failures(2))
        .maximum_keys(3)
        .build()?;
    let client = layer.layer(service_fn(async |request: Request<()>| {
        let mut response = Response::new(());
        if request.uri().host() == Some("edge-1") {
            *response.status_mut() = StatusCode::BAD_GATEWAY;
        }
        Ok::<_, BoxError>(response)
    }));

    for host in ["edge-1", "edge-2", "edge-1", "edge-2", "edge-1", "edge-3"] {
        let request = Request::get(format!("http://{host}/")).body(())?;
        match client.clone().oneshot(request).await {
            Ok(answer) => println!("{host}: {}", answer.status()),
            Err(rejection) => println!("{host}: {rejection}"),
        }
    }
    // A fourth one takes the place of the closed one that was not used for longest.
    let request = Request::get("http://edge-4/").body(())?;
    client.oneshot(request).await?;
    for breaker in layer.handles() {
        println!("{} is {}", breaker.name(), breaker.state().as_str());
    }
    Ok(())
}
