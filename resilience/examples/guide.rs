//! Where `docs/guides/add-to-a-service.md` ends: a front page that asks for titles, with both
//! stacks and a port for metrics and operators. It calls itself a few times, takes titles away, asks
//! admin what that did, steers the breaker, and ends.
//!
//! Run it with `cargo run -p resilience --features admin --example guide`.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Method, Request, StatusCode};
use resilience::BoxError;
use resilience::balance::Endpoints;
use resilience::fallback::Fallback;
use resilience::telemetry::Telemetry;
use tokio::net::TcpListener;

/// Where no other one is given: a service of yours has one from a secret.
const TOKEN: &str = "only-for-operators";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let registry = prometheus::Registry::new();
    let telemetry = Telemetry::new(&registry)?;

    let server = resilience::server("titles")
        .internal()
        .telemetry(telemetry.clone());
    let routes = Router::new()
        .route("/titles", get(titles))
        .layer(server.build()?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let dependency = tokio::spawn(async move { axum::serve(listener, routes).await });

    let titles = resilience::client("titles")
        .endpoints(Endpoints::parse(&format!("http://{address}"))?)
        .deadline(Duration::from_millis(800))
        .fallback(Fallback::new().last_good(1_000, Duration::from_mins(10)))
        .telemetry(telemetry.clone())
        .build()?;
    let server = resilience::server("front")
        .edge()
        .default_deadline(Duration::from_secs(1))
        .telemetry(telemetry.clone());
    let server = server.build()?;
    let routes = Router::new()
        .route("/", get(front))
        .with_state(titles.clone())
        .layer(server.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let public = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, routes).await });

    let show = move || async move {
        prometheus::TextEncoder::new()
            .encode_to_string(&registry.gather())
            .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    };
    let token = std::env::var("ADMIN_TOKEN").unwrap_or_else(|_| TOKEN.to_owned());
    let admin = resilience::admin::Admin::new(&token)
        .client(&titles)
        .server(&server)
        .telemetry(&telemetry)
        .router()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let private = format!("http://{}", listener.local_addr()?);
    let routes = Router::new()
        .route("/metrics", get(show))
        .nest("/admin", admin);
    tokio::spawn(async move { axum::serve(listener, routes).await });

    println!("{}", curl(&public, "/").await?);
    dependency.abort();
    // What is still connected goes, too.
    let _ = dependency.await;
    for _ in 0..20 {
        curl(&public, "/").await?;
    }
    println!("{}", curl(&public, "/").await?);
    let ask = async |method: Method, path: &str, body: &'static str| {
        let request = Request::builder()
            .method(method)
            .uri(format!("/admin{path}"));
        let request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        send(&private, request.body(Bytes::from(body))?).await
    };
    println!("{}", ask(Method::GET, "/breakers/titles", "").await?);
    println!("{}", ask(Method::GET, "/budgets", "").await?);
    println!("{}", ask(Method::GET, "/limits", "").await?);
    let by_hand = r#"{"mode": "forced-closed"}"#;
    println!(
        "{}",
        ask(Method::PUT, "/breakers/titles/mode", by_hand).await?
    );
    let metrics = curl(&private, "/metrics").await?;
    for line in metrics.lines() {
        if line.starts_with("resilience_client_requests_total") {
            println!("{line}");
        }
    }
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
    let answer = titles.send(request).await;
    let answer = answer.map_err(|_| StatusCode::BAD_GATEWAY)?;
    let content = answer.into_body().into_bytes().await;
    content.map_err(|_| StatusCode::BAD_GATEWAY)
}

/// What a visitor gets, with the header that says what was replaced.
async fn curl(url: &str, path: &str) -> Result<String, BoxError> {
    send(url, Request::get(path).body(Bytes::new())?).await
}

async fn send(url: &str, request: Request<Bytes>) -> Result<String, BoxError> {
    let visitor = resilience::client("visitor")
        .endpoints(Endpoints::parse(url)?)
        .enabled(false)
        .build()?;
    let answer = visitor.send(request).await?;
    let (head, body) = answer.into_parts();
    let content = String::from_utf8_lossy(&body.into_bytes().await?).into_owned();
    let degradation = head.headers.get("degradation");
    Ok(match degradation.and_then(|value| value.to_str().ok()) {
        Some(degradation) => format!("{}: {content} ({degradation})", head.status),
        None => format!("{}: {content}", head.status),
    })
}
