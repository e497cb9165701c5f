//! The admin router over a real socket, beside the stack that it steers.

// Helpers of tests may unwrap as tests do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use resilience::admin::Admin;
use resilience::balance::Endpoints;
use resilience::circuit_breaker::{CircuitOpen, Mode};
use resilience::fault::Faults;
use resilience::telemetry::Telemetry;
use resilience::{Client, rejection};
use support::sockets::{Manner, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const TOKEN: &str = "only-for-operators";

/// After so long without a word a connection is stuck, and so would be the test.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends to the admin router what an operator would.
async fn operate(
    operator: &Client,
    method: Method,
    path: &str,
    token: &str,
    body: &'static str,
) -> http::Response<resilience::body::ResponseBody> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .body(Bytes::from(body))
        .unwrap();
    operator.send(request).await.unwrap()
}

/// Reads what comes until `end` has come.
async fn read_until(connection: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    while !text.contains(end) {
        let mut buffer = [0; 4_096];
        let reading = connection.read(&mut buffer);
        let read = tokio::time::timeout(PATIENCE, reading).await;
        let read = read.expect("something comes").unwrap();
        assert!(read > 0, "the connection ended after {text}");
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    text
}

#[tokio::test]
async fn an_operator_opens_a_circuit_breaks_a_client_and_hears_of_it() {
    let metadata = Server::start(Manner::Well).await;
    let telemetry = Telemetry::default();
    let faults = Faults::builder("metadata")
        .telemetry(telemetry.clone())
        .build();
    let client = resilience::client("metadata")
        .endpoints(Endpoints::parse(&metadata.url()).unwrap())
        .faults(faults)
        .retry(None)
        .telemetry(telemetry.clone())
        .build()
        .unwrap();
    let admin = Admin::new(TOKEN).client(&client).telemetry(&telemetry);
    let service = Router::new().nest("/admin", admin.router().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("http://{address}");
    let serving = tokio::spawn(async move { axum::serve(listener, service).await });
    let operator = resilience::client("admin")
        .endpoints(Endpoints::parse(&url).unwrap())
        .build()
        .unwrap();
    let get = || Request::new(Bytes::new());

    let mut events = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET /admin/events HTTP/1.1\r\nhost: admin\r\nauthorization: Bearer {TOKEN}\r\n\r\n"
    );
    events.write_all(head.as_bytes()).await.unwrap();
    let head = read_until(&mut events, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");

    let mode = "/admin/breakers/metadata/mode";
    let open = r#"{"mode": "forced-open"}"#;
    let answer = operate(&operator, Method::PUT, mode, "not-for-operators", open).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(client.send(get()).await.is_ok());

    let answer = operate(&operator, Method::PUT, mode, TOKEN, open).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let error = client.send(get()).await.unwrap_err();
    assert!(error.downcast_ref::<CircuitOpen>().unwrap().is_forced());
    assert!(rejection::is_rejection(error.as_ref()));

    let reset = "/admin/breakers/metadata/reset";
    operate(&operator, Method::POST, reset, TOKEN, "").await;
    assert_eq!(client.breaker().unwrap().mode(), Mode::Automatic);
    assert!(client.send(get()).await.is_ok());

    let fault = r#"{"fault": {"kind": "status", "status": 503}, "lease_ms": 60000}"#;
    let faults = "/admin/faults/metadata";
    let answer = operate(&operator, Method::POST, faults, TOKEN, fault).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(client.send(get()).await.unwrap().status(), 503);
    operate(&operator, Method::DELETE, faults, TOKEN, "").await;
    assert_eq!(client.send(get()).await.unwrap().status(), 200);

    let told = read_until(&mut events, "faultEnded").await;
    for expected in ["breakerTransition", "forced-open", "reset", "faultBegan"] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    serving.abort();
}
