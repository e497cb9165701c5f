//! hyper's own client with a timeout and a circuit breaker around it: parts alone, no stack.
//!
//! Run it with `cargo run --bin hyper`.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use resilience::BoxError;
use resilience::circuit_breaker::Window;
use resilience::circuit_breaker::{CircuitBreakerConfig, CircuitBreakerLayer, CircuitOpen, State};
use resilience::timeout::TimeoutLayer;
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let routes = Router::new()
        .route("/title", get(|| async { "a title" }))
        .route(
            "/broken",
            get(|| async { StatusCode::INTERNAL_SERVER_ERROR }),
        );
    let server = tokio::spawn(async move { axum::serve(listener, routes).await });

    let timeout = TimeoutLayer::builder("metadata")
        .timeout(Duration::from_millis(500))
        .build()?;
    let breaker = CircuitBreakerLayer::builder("metadata")
        .config(
            CircuitBreakerConfig::new()
                .window(Window::count(10))
                .minimum_calls(4)
                .backoff(std::iter::repeat(Duration::from_secs(5))),
        )
        .build()?;
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    // The breaker stands outside, so that it sees what the timeout makes of silence.
    let client = breaker.layer(timeout.layer(client));

    let ask = async |path: &str| -> Result<(StatusCode, Bytes), BoxError> {
        let request = Request::get(format!("http://{address}{path}")).body(Full::default())?;
        let (head, body) = client.clone().oneshot(request).await?.into_parts();
        Ok((head.status, body.collect().await?.to_bytes()))
    };
    let (status, content) = ask("/title").await?;
    println!("/title: {status}, {}", String::from_utf8_lossy(&content));
    assert_eq!(status, StatusCode::OK);

    for _ in 0..9 {
        if let Ok((status, _)) = ask("/broken").await {
            println!("/broken: {status}");
        }
    }
    assert_eq!(breaker.handle().state(), State::Open);
    let rejection = ask("/title")
        .await
        .err()
        .ok_or("an open circuit lets nothing through")?;
    println!("/title: {rejection}");
    assert!(rejection.is::<CircuitOpen>());
    server.abort();
    Ok(())
}
