//! What was replaced in an answer, why, and by what: the client stack records its stand-ins by
//! itself, a handler what it leaves out, and the header of the answer adds both up.
//!
//! Run it with `cargo run -p resilience --features axum --example ledger`.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response};
use resilience::balance::Endpoints;
use resilience::fallback::Fallback;
use resilience::ledger::{self, Degradations, Reason};
use resilience::{BoxError, Client};
use tower::ServiceExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    // Nobody listens on this port: the popular rows stand in, for 30 % of the home screen.
    let recommendations = resilience::client("recommendations")
        .endpoints(Endpoints::parse("http://127.0.0.1:1")?)
        .weight(0.3)
        .fallback(Fallback::new().default_with("popular", 1.0, |_| Response::new("popular".into())))
        .deadline(Duration::from_millis(300))
        .build()?;
    let service = Router::new()
        .route("/home", get(home))
        .with_state(recommendations)
        .layer(resilience::server("gateway").build()?);

    let answer = service.oneshot(Request::get("/home").body(Body::empty())?);
    let answer = answer.await?;
    for entry in ledger::parse(answer.headers()) {
        println!(
            "{}: {} stood in ({}), {:.0} % of the answer",
            entry.dependency,
            entry.stood_in,
            entry.reason.as_str(),
            entry.weight * 100.0
        );
    }
    let entries = ledger::parse(answer.headers());
    println!("harvest: {:.2}", ledger::harvest(&entries));
    Ok(())
}

async fn home(State(recommendations): State<Client>, degradations: Degradations) -> Bytes {
    // What a handler replaces on its own is a line of its own.
    degradations.record("weather", Reason::Error, "no-forecast", 0.1);
    let Ok(request) = Request::get("/rows").body(Bytes::new()) else {
        return Bytes::new();
    };
    match recommendations.send(request).await {
        Ok(rows) => rows.into_body().into_bytes().await.unwrap_or_default(),
        Err(_) => Bytes::new(),
    }
}
