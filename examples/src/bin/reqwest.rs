//! The whole client stack on reqwest's client, which brings its own TLS, proxies and pool.
//!
//! Run it with `cargo run --bin reqwest`.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response};
use resilience::BoxError;
use resilience::balance::Endpoints;
use resilience::telemetry::{Telemetry, names};
use resilience::transport::{TransportError, TransportErrorKind};
use tokio::net::TcpListener;
use tower::service_fn;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let there = TcpListener::bind("127.0.0.1:0").await?;
    let gone = TcpListener::bind("127.0.0.1:0").await?;
    let urls = format!(
        "http://{},http://{}",
        gone.local_addr()?,
        there.local_addr()?
    );
    drop(gone);
    let routes = Router::new().route("/title", get(|| async { "a title" }));
    let server = tokio::spawn(async move { axum::serve(there, routes).await });

    let client = reqwest::Client::builder().no_proxy().build()?;
    let transport = service_fn(move |request| send(client.clone(), request));
    let telemetry = Telemetry::default();
    let metadata = resilience::client("metadata")
        .endpoints(Endpoints::parse(&urls)?)
        .deadline(Duration::from_secs(1))
        .seed(7)
        .telemetry(telemetry.clone())
        .build_on(transport)?;

    for call in 1..=8 {
        let answer = metadata
            .send(Request::get("/title").body(Bytes::new())?)
            .await?;
        let content = answer.into_body().into_bytes().await?;
        println!("call {call}: {}", String::from_utf8_lossy(&content));
        assert_eq!(content, "a title");
    }
    let attempts = |outcome| {
        telemetry
            .counter(&names::CLIENT_ATTEMPTS, &["metadata", outcome])
            .value()
    };
    println!(
        "8 calls, every one good: {} good attempts and {} failed ones",
        attempts("success"),
        attempts("failure")
    );
    assert_eq!(attempts("success"), 8);
    server.abort();
    Ok(())
}

/// One request over reqwest, with its errors in the words that retry and balancer understand.
async fn send(
    client: reqwest::Client,
    request: Request<Bytes>,
) -> Result<Response<reqwest::Body>, TransportError> {
    let endpoint = request
        .uri()
        .authority()
        .map_or_else(String::new, ToString::to_string);
    let failed = |error: reqwest::Error| {
        let kind = if is_refused(&error) {
            TransportErrorKind::Refused
        } else if error.is_connect() {
            TransportErrorKind::Connect
        } else {
            TransportErrorKind::Other
        };
        TransportError::new(kind, endpoint.as_str(), error)
    };
    let request = reqwest::Request::try_from(request).map_err(&failed)?;
    client
        .execute(request)
        .await
        .map(Into::into)
        .map_err(&failed)
}

/// Whether nobody listened: then nothing was sent, and any request may be repeated.
fn is_refused(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return error.kind() == std::io::ErrorKind::ConnectionRefused;
        }
        cause = error.source();
    }
    false
}
