//! A client stack over TLS: hyper's connections by hyper-rustls, with ring.
//!
//! Run it with `cargo run --bin https -- https://example.org/`; without an address it shows that a
//! server which speaks no TLS gets no request.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use resilience::balance::Endpoints;
use resilience::transport::{CONNECT_TIMEOUT, HttpTransport};
use resilience::{BoxError, Client};
use tokio::net::TcpListener;

/// A client of one server whose certificate a public authority has signed.
fn client(authority: &str) -> Result<Client, BoxError> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_webpki_roots()
        .https_only()
        .enable_http1()
        .wrap_connector(connector);
    let transport = HttpTransport::with_connector(connector).scheme(Scheme::HTTPS);
    let client = resilience::client("payments")
        .endpoints(Endpoints::parse(&format!("http://{authority}"))?)
        // The first attempt has the handshake to pay for.
        .attempt_timeout(Duration::from_secs(1))
        .deadline(Duration::from_secs(5))
        .build_on(transport)?;
    Ok(client)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    if let Some(address) = std::env::args().nth(1) {
        let uri: Uri = address.parse()?;
        let host = uri
            .host()
            .ok_or("expected an address like https://example.org/")?;
        let port = uri.port_u16().unwrap_or(443);
        let answer = client(&format!("{host}:{port}"))?
            .send(Request::get(uri.path()).body(Bytes::new())?)
            .await?;
        println!("{uri}: {}", answer.status());
        return Ok(());
    }

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let authority = listener.local_addr()?.to_string();
    let routes = Router::new().route("/", get(|| async { "in the open" }));
    let server = tokio::spawn(async move { axum::serve(listener, routes).await });
    let request = Request::get("/").body(Bytes::new())?;
    let refused = client(&authority)?.send(request).await;
    let error = refused.err().ok_or("a server without TLS was asked")?;
    println!("{authority}: {error}");
    server.abort();
    Ok(())
}
