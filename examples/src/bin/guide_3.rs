//! Step 3 of `docs/guides/add-to-a-service.md`: a client stack in place of the client of hyper.
//!
//! Run it with `cargo run --bin guide_3`, and `curl -i localhost:8080/` beside it.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, StatusCode};
use resilience::balance::Endpoints;
use resilience::fallback::Fallback;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let listener = TcpListener::bind("127.0.0.1:4000").await?;
    let routes = Router::new()
        .route("/titles", get(titles))
        .layer(resilience::server("titles").internal().build()?);
    tokio::spawn(async move { axum::serve(listener, routes).await });

    let titles = resilience::client("titles")
        .endpoints(Endpoints::parse("http://127.0.0.1:4000")?)
        .deadline(Duration::from_millis(800))
        .fallback(Fallback::new().last_good(1_000, Duration::from_secs(600)))
        .build()?;
    let front = Router::new()
        .route("/", get(front))
        .with_state(titles)
        .layer(
            resilience::server("front")
                .edge()
                .default_deadline(Duration::from_secs(1))
                .build()?,
        );
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    axum::serve(listener, front).await?;
    Ok(())
}

async fn titles() -> &'static str {
    tokio::time::sleep(Duration::from_millis(20)).await;
    "Metropolis, Nosferatu, M"
}

async fn front(State(titles): State<resilience::Client>) -> Result<Bytes, StatusCode> {
    let request = Request::get("/titles")
        .body(Bytes::new())
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let answer = titles
        .send(request)
        .await
        .map_err(|_| StatusCode::BAD_GATEWAY)?;
    answer
        .into_body()
        .into_bytes()
        .await
        .map_err(|_| StatusCode::BAD_GATEWAY)
}
