//! An operator looks at a breaker, opens it by hand, hears of it, and gives it back.
//!
//! Run it with `cargo run -p resilience --features admin --example admin`; with `-- serve` it
//! stays, to be asked with curl.

use axum::Router;
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use resilience::BoxError;
use resilience::admin::Admin;
use resilience::balance::Endpoints;
use resilience::fault::Faults;
use resilience::telemetry::Telemetry;
use tokio::net::TcpListener;
use tower::service_fn;

/// A real one comes from a secret.
const TOKEN: &str = "only-for-operators";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let telemetry = Telemetry::default();
    let metadata = resilience::client("metadata")
        .endpoints(Endpoints::parse("http://metadata:4000")?)
        .faults(
            Faults::builder("metadata")
                .telemetry(telemetry.clone())
                .build(),
        )
        .telemetry(telemetry.clone())
        .build_on(service_fn(async |_: Request<Bytes>| {
            Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("rows")))
        }))?;
    let admin = Admin::new(TOKEN)
        .client(&metadata)
        .telemetry(&telemetry)
        .router()?;
    let service = Router::new().nest("/admin", admin);

    let stays = std::env::args().any(|argument| argument == "serve");
    let port = if stays { 4009 } else { 0 };
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move { axum::serve(listener, service).await });
    if stays {
        println!("curl -H 'authorization: Bearer {TOKEN}' http://{address}/admin");
        return Ok(server.await??);
    }

    let operator = resilience::client("admin")
        .endpoints(Endpoints::parse(&format!("http://{address}"))?)
        .enabled(false)
        .build()?;
    for (method, path, body) in [
        (Method::GET, "/admin/breakers", ""),
        (
            Method::PUT,
            "/admin/breakers/metadata/mode",
            r#"{"mode": "forced-open"}"#,
        ),
        (
            Method::PUT,
            "/admin/breakers/metadata/config",
            r#"{"failure_rate": 1.4}"#,
        ),
        (Method::POST, "/admin/breakers/metadata/reset", ""),
        (Method::GET, "/admin/limits", ""),
    ] {
        let what = format!("{method} {path} {body}");
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {TOKEN}"))
            .body(Bytes::from(body))?;
        let answer = operator.send(request).await?;
        let status = answer.status().as_u16();
        let content = answer.into_body().into_bytes().await?;
        println!("{what}\n    {status} {}", String::from_utf8_lossy(&content));
        let result = metadata.send(Request::new(Bytes::new())).await;
        match result {
            Ok(answer) => println!("    a call of the client: {}", answer.status()),
            Err(error) => println!("    a call of the client: {error}"),
        }
    }
    server.abort();
    Ok(())
}
