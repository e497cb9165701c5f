//! The server side around the routes of a service: who may say what, what becomes of a panic,
//! and how an answer tells that a part of it was replaced.
//!
//! Run it with `cargo run -p resilience --example server`.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::Request;
use resilience::BoxError;
use resilience::balance::Endpoints;
use resilience::context::CallContext;
use resilience::ledger::{Degradation, HEADER, Reason};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let service = Router::new()
        .route("/home", get(home))
        .route("/slow", get(slow))
        .route("/broken", get(broken))
        .layer(
            resilience::server("gateway")
                .edge()
                .max_in_flight(64)
                .queue(64, Duration::from_millis(50))
                .default_deadline(Duration::from_millis(300))
                .build()?,
        );
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move { axum::serve(listener, service).await });

    let stranger = resilience::client("gateway")
        .endpoints(Endpoints::parse(&format!("http://{address}"))?)
        .enabled(false)
        .build()?;
    for path in ["/home", "/slow", "/broken"] {
        let forged = Request::get(path)
            .header("aplomb-deadline-ms", "1")
            .header(HEADER, "everything;weight=1")
            .body(Bytes::new())?;
        let answer = stranger.send(forged).await?;
        let status = answer.status();
        let degradation = answer.headers().get(HEADER).cloned();
        let content = answer.into_body().into_bytes().await?;
        println!("{path}: {status}, {}", String::from_utf8_lossy(&content));
        if let Some(degradation) = degradation {
            println!("    {HEADER}: {}", degradation.to_str()?);
        }
    }
    server.abort();
    Ok(())
}

/// Answers with one row instead of three, and says so.
async fn home() -> &'static str {
    if let Some(context) = CallContext::current() {
        let popular = Degradation::new("recommendations", Reason::Timeout, "popular", 0.3);
        context.degrade(popular.aged(Duration::from_secs(12)));
    }
    "popular titles"
}

/// Takes longer than the server allows.
async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_secs(5)).await;
    "nobody waits for this"
}

/// Panics as a bug would, without the noise of the panic hook.
async fn broken() -> &'static str {
    std::panic::resume_unwind(Box::new("a bug"))
}
