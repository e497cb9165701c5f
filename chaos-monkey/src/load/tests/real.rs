//! The device and the whole load against real sockets on the loopback.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::{get, put};
use axum::{Json, Router};
use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::support::{SEED, records, requests, simple_load, spec};
use crate::journal::{Cause, Journal, Record, RequestResult};
use crate::load::device::{Device, Exchange};
use crate::load::transport::{HttpTransport, Outgoing};
use crate::load::{LoadControl, open_sessions, read_back, run};
use crate::schema;
use crate::target::Endpoint;

fn outgoing(method: http::Method) -> Outgoing {
    Outgoing {
        method,
        path_and_query: "/".parse().unwrap(),
        headers: http::HeaderMap::new(),
        body: Bytes::new(),
    }
}

async fn ask(endpoints: &[Endpoint], habits: schema::Device) -> Exchange {
    let device = Device {
        transport: HttpTransport::new(endpoints),
        habits,
    };
    device.ask(&outgoing(http::Method::GET), &[], SEED).await
}

fn one_attempt(timeout: Duration) -> schema::Device {
    schema::Device {
        patience: schema::Span::from_secs(10),
        attempt_timeout: schema::Span(timeout),
        further_attempts: 0,
    }
}

const LONG: Duration = Duration::from_secs(9);

/// A server that reads a request, sends these bytes and closes.
async fn raw_server(answer: &'static [u8]) -> (Endpoint, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer).await;
        }
    });
    (address.into(), server)
}

async fn serve(router: Router) -> (Endpoint, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address.into(), server)
}

/// An address on which nobody listens.
async fn dead_address() -> Endpoint {
    TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .into()
}

#[tokio::test]
async fn a_base_url_stands_before_each_path() {
    let (at_root, server) = serve(Router::new().route("/shop/v1/", get(|| async { "ok" }))).await;
    let base: Endpoint = format!("{at_root}/shop/v1/").parse().unwrap();
    assert!(ask(&[base], one_attempt(LONG)).await.answer.is_ok());
    let missed = ask(&[at_root], one_attempt(LONG)).await.answer;
    assert_eq!(missed.unwrap_err(), Cause::Status(404));
    server.abort();
}

#[tokio::test]
async fn causes_are_told_apart() {
    let exchange = ask(&[dead_address().await], one_attempt(LONG)).await;
    assert_eq!(exchange.answer.unwrap_err(), Cause::Refused);

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let patience = one_attempt(Duration::from_millis(50));
    let exchange = ask(&[silent.local_addr().unwrap().into()], patience).await;
    assert_eq!(exchange.answer.unwrap_err(), Cause::Timeout);

    let cases: [(&'static [u8], Cause); 5] = [
        (b"", Cause::Reset),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf",
            Cause::Reset,
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
            Cause::Reset,
        ),
        (b"GARBAGE garbage\r\n\r\n", Cause::Malformed),
        (
            b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n",
            Cause::Status(503),
        ),
    ];
    for (answer, cause) in cases {
        let (address, server) = raw_server(answer).await;
        let exchange = ask(&[address], one_attempt(LONG)).await;
        assert_eq!(
            exchange.answer.unwrap_err(),
            cause,
            "{}",
            String::from_utf8_lossy(answer)
        );
        server.abort();
    }
}

#[tokio::test]
async fn a_body_beyond_the_cap_is_malformed() {
    let endless = || async {
        let chunks = futures_util::stream::repeat_with(|| {
            Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 1 << 16]))
        });
        axum::body::Body::from_stream(chunks)
    };
    let (address, server) = serve(Router::new().route("/", get(endless))).await;
    let exchange = ask(&[address], one_attempt(LONG)).await;
    assert_eq!(exchange.answer.unwrap_err(), Cause::Malformed);
    server.abort();
}

#[tokio::test]
async fn a_dead_replica_costs_an_attempt_and_not_the_answer() {
    let (alive, server) = serve(Router::new().route("/", get(|| async { "here" }))).await;
    let endpoints = [dead_address().await, alive];
    let device = Device {
        transport: HttpTransport::new(&endpoints),
        habits: schema::Device {
            attempt_timeout: schema::Span(LONG),
            patience: schema::Span(LONG),
            ..Default::default()
        },
    };
    let mut first_refused = 0;
    for draw in 0..20 {
        let exchange = device.ask(&outgoing(http::Method::GET), &[], draw).await;
        assert_eq!(exchange.answer.unwrap().body, "here");
        match exchange.attempts.as_slice() {
            [only] => assert_eq!((only.replica, &only.cause), (1, &None)),
            [first, second] => {
                assert_eq!((first.replica, &first.cause), (0, &Some(Cause::Refused)));
                assert_eq!((second.replica, &second.cause), (1, &None));
                first_refused += 1;
            }
            more => panic!("{more:?}"),
        }
    }
    assert!(
        (1..20).contains(&first_refused),
        "{first_refused} of 20 drew the dead replica first"
    );
    server.abort();
}

/// A store of positions that loses its answer to the first attempt of every second write.
#[derive(Clone, Default)]
struct Positions {
    kept: Arc<Mutex<Vec<(String, u64)>>>,
    attempts: Arc<Mutex<Vec<String>>>,
    reads: Arc<AtomicU64>,
}

async fn save(
    State(positions): State<Positions>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (http::StatusCode, &'static str) {
    let key = headers["idempotency-key"].to_str().unwrap().to_owned();
    let is_repeated = positions.attempts.lock().contains(&key);
    positions.attempts.lock().push(key.clone());
    let sequence = body["sequence"].as_u64().unwrap();
    if !is_repeated {
        positions.kept.lock().push((key, sequence));
        if sequence.is_multiple_of(2) {
            return (http::StatusCode::BAD_GATEWAY, "");
        }
    }
    (http::StatusCode::OK, "")
}

async fn read(State(positions): State<Positions>) -> Json<Value> {
    positions.reads.fetch_add(1, Ordering::Relaxed);
    let last = positions
        .kept
        .lock()
        .iter()
        .map(|(_, sequence)| *sequence)
        .max();
    Json(json!({ "sequence": last }))
}

#[tokio::test]
async fn a_load_runs_from_its_files_to_its_reading_back() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("users.jsonl"),
        "{\"name\":\"ada\"}\n{\"name\":\"bob\"}\n",
    )
    .unwrap();
    let load = json!({
        "target": "front",
        "rate": { "constant": 200.0 },
        "device": { "patience": "9s", "attemptTimeout": "9s" },
        "users": { "file": "${run}/users.jsonl" },
        "journeys": { "save": { "weight": 1.0, "steps": [{
            "name": "save",
            "request": { "method": "PUT", "path": "/positions/${user.name}",
                         "json": { "sequence": "${sequence}" } },
            "acknowledge": { "as": "positions", "key": "${user.name}", "value": "${sequence}" },
        }]}},
    });
    let read_back_entry = json!({ "positions": {
        "request": { "path": "/positions/${user.name}" }, "value": { "json": "/sequence" },
    }});
    let positions = Positions::default();
    let router = Router::new()
        .route("/positions/{user}", put(save).get(read))
        .with_state(positions.clone());
    let (address, server) = serve(router).await;

    let spec = spec(load, read_back_entry);
    let sessions = open_sessions(&spec, folder.path(), &[address], SEED)
        .await
        .unwrap();
    let (journal, mut receiver) = Journal::channel(10_000);
    journal.start_load();
    let outcome = run(
        &sessions,
        Duration::from_millis(500),
        &journal,
        &LoadControl::new(),
    )
    .await;
    read_back(&sessions, &journal).await;
    server.abort();

    let entries = records(&mut receiver);
    let requests = requests(&entries);
    assert!(outcome.due > 50, "{outcome:?}");
    assert_eq!(requests.len() as u64, outcome.due);
    assert!(
        requests
            .iter()
            .all(|(_, request)| request.result == RequestResult::Full)
    );
    let written_twice = requests
        .iter()
        .filter(|(_, request)| request.attempts.len() == 2)
        .count();
    assert_eq!(written_twice as u64, outcome.due / 2);
    assert_eq!(
        positions.kept.lock().len() as u64,
        outcome.due,
        "one key per write"
    );
    assert_eq!(
        positions.attempts.lock().len(),
        requests.len() + written_twice
    );
    assert_eq!(positions.reads.load(Ordering::Relaxed), 2);
    assert_eq!(
        entries.last().unwrap().record,
        Record::ReadBack {
            name: "positions".to_owned(),
            checked: 2,
            missing: Vec::new(),
            missing_count: 0,
        }
    );
}

#[tokio::test]
async fn hundreds_of_journeys_a_second_are_sent_and_answered() {
    let (address, server) = serve(Router::new().route("/look/{n}", get(|| async { "ok" }))).await;
    let (other, other_server) =
        serve(Router::new().route("/look/{n}", get(|| async { "ok" }))).await;
    let mut load = simple_load(600.0);
    load["device"] = json!({ "patience": "9s", "attemptTimeout": "9s" });
    let sessions = open_sessions(&spec(load, json!({})), "".as_ref(), &[address, other], SEED)
        .await
        .unwrap();
    let (journal, mut receiver) = Journal::channel(10_000);
    journal.start_load();
    let outcome = run(
        &sessions,
        Duration::from_secs(1),
        &journal,
        &LoadControl::new(),
    )
    .await;
    server.abort();
    other_server.abort();
    assert!((450..750).contains(&outcome.due), "{outcome:?}");
    assert_eq!(outcome.capped, 0);
    let requests = requests(&records(&mut receiver));
    assert_eq!(requests.len() as u64, outcome.due);
    assert!(
        requests
            .iter()
            .all(|(_, request)| request.result == RequestResult::Full)
    );
    for replica in 0..2 {
        let share = requests
            .iter()
            .filter(|(_, r)| r.attempts[0].replica == replica)
            .count();
        assert!(
            share > requests.len() / 3,
            "{share} of {} went to replica {replica}",
            requests.len()
        );
    }
}
