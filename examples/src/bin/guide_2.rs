//! Step 2 of `docs/guides/add-to-a-service.md`: a server stack around each of the two.
//!
//! Run it with `cargo run --bin guide_2`, and `curl -i localhost:8080/` beside it.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;

type Titles = (Client<HttpConnector, Full<Bytes>>, String);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let listener = TcpListener::bind("127.0.0.1:4000").await?;
    let titles = Router::new()
        .route("/titles", get(titles))
        .layer(resilience::server("titles").internal().build()?);
    tokio::spawn(async move { axum::serve(listener, titles).await });

    let client = Client::builder(TokioExecutor::new()).build_http();
    let front = Router::new()
        .route("/", get(front))
        .with_state((client, "http://127.0.0.1:4000".to_owned()))
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

async fn front(State((client, url)): State<Titles>) -> Result<Bytes, StatusCode> {
    let request = Request::get(format!("{url}/titles"))
        .body(Full::default())
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let answer = client
        .request(request)
        .await
        .map_err(|_| StatusCode::BAD_GATEWAY)?;
    let body = answer
        .into_body()
        .collect()
        .await
        .map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok(body.to_bytes())
}
