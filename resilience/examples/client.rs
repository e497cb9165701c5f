//! A whole client stack against two real servers, one of which is not there.
//!
//! Run it with `cargo run -p resilience --example client`.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response};
use resilience::BoxError;
use resilience::balance::Endpoints;
use resilience::context::CallContext;
use resilience::fallback::Fallback;
use tokio::net::TcpListener;

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
    let service = Router::new()
        .route("/rows/7", get(|| async { "rows for viewer 7" }))
        .layer(resilience::server("recommendations").internal().build()?);
    let server = tokio::spawn(async move { axum::serve(there, service).await });

    let fallback = Fallback::new()
        .last_good(1_000, Duration::from_mins(10))
        .default_with("popular", 1.0, |_| {
            Response::new(Bytes::from("popular rows"))
        });
    let recommendations = resilience::client("recommendations")
        .endpoints(Endpoints::parse(&urls)?)
        .deadline(Duration::from_millis(800))
        .weight(0.3)
        .fallback(fallback)
        .build()?;

    for call in 1..=4 {
        if call == 4 {
            println!("now the other server goes, too");
            server.abort();
        }
        let context = CallContext::default();
        let request = Request::get("/rows/7").body(Bytes::new())?;
        let answer = context.clone().scope(recommendations.send(request)).await?;
        let content = answer.into_body().into_bytes().await?;
        println!(
            "call {call}: {:?}, harvest {:.1}",
            String::from_utf8_lossy(&content),
            context.ledger().harvest()
        );
        for degradation in context.ledger().entries() {
            println!("    {degradation:?}");
        }
    }
    Ok(())
}
