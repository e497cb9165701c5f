//! The tail of events against real sockets.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{EventSource, tail_events};
use crate::journal::{Entry, InstanceName, Journal, Record};

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
/// Long enough for any machine; a test that meets it has failed.
const PLENTY: Duration = Duration::from_secs(20);

fn instance() -> InstanceName {
    InstanceName {
        service: "auth".to_owned(),
        replica: 1,
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, String) {
    let (mut stream, _) = timeout(PLENTY, listener.accept()).await.unwrap().unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    (stream, String::from_utf8(head).unwrap())
}

async fn send(stream: &mut TcpStream, text: &[u8]) {
    let mut chunk = format!("{:x}\r\n", text.len()).into_bytes();
    chunk.extend_from_slice(text);
    chunk.extend_from_slice(b"\r\n");
    stream.write_all(&chunk).await.unwrap();
}

async fn next(receiver: &mut mpsc::Receiver<Entry>) -> Record {
    timeout(PLENTY, receiver.recv())
        .await
        .unwrap()
        .unwrap()
        .record
}

fn said(event: serde_json::Value) -> Record {
    Record::ServiceEvent {
        instance: instance(),
        event,
    }
}

#[tokio::test]
async fn events_are_followed_across_a_death_and_garbage_is_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (journal, mut receiver) = Journal::channel(1_000);
    let source = EventSource {
        instance: instance(),
        address,
        path: "/events?all".to_owned(),
        bearer: Some("topsecret".to_owned()),
    };
    assert!(!format!("{source:?}").contains("topsecret"));
    let tail = tail_events([source], &journal);

    let (mut stream, head) = accept(&listener).await;
    assert!(head.starts_with("GET /events?all HTTP/1.1\r\n"), "{head}");
    assert!(
        head.contains("authorization: Bearer topsecret\r\n"),
        "{head}"
    );
    stream.write_all(HEAD).await.unwrap();
    send(&mut stream, b"{\"event\":\"one\"}\n\n{\"eve").await;
    assert_eq!(next(&mut receiver).await, said(json!({ "event": "one" })));
    send(&mut stream, b"nt\":\"two\"}\r\nnot json\n[3]\n").await;
    assert_eq!(next(&mut receiver).await, said(json!({ "event": "two" })));
    let long = vec![b'x'; 40_000];
    send(&mut stream, &long).await;
    send(&mut stream, &long).await;
    send(&mut stream, b"\n{\"event\":\"three\"}\n{\"event\":\"torn").await;
    assert_eq!(next(&mut receiver).await, said(json!({ "event": "three" })));
    drop(stream);

    // The instance is up again, but is not ready to tell at first.
    let (mut busy, _) = accept(&listener).await;
    busy.write_all(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")
        .await
        .unwrap();
    drop(busy);
    let (mut stream, _) = accept(&listener).await;
    stream.write_all(HEAD).await.unwrap();
    send(&mut stream, b"{\"event\":\"four\"}\n").await;
    assert_eq!(next(&mut receiver).await, said(json!({ "event": "four" })));

    // Two lines that are no objects, and one that was too long; the torn one was never a line.
    assert_eq!(tail.stop().await, 3);
    assert!(receiver.try_recv().is_err());
}

#[tokio::test]
async fn an_instance_that_is_away_holds_nobody_up() {
    let away = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source = |address| EventSource {
        instance: instance(),
        address,
        path: "/events".to_owned(),
        bearer: None,
    };
    let (journal, mut receiver) = Journal::channel(1_000);
    let tail = tail_events(
        [source(away), source(listener.local_addr().unwrap())],
        &journal,
    );
    let (mut stream, head) = accept(&listener).await;
    assert!(!head.contains("authorization"), "{head}");
    stream.write_all(HEAD).await.unwrap();
    send(&mut stream, b"{\"event\":\"here\"}\n").await;
    assert_eq!(next(&mut receiver).await, said(json!({ "event": "here" })));
    drop(tail);
    // A dropped tail closes its connections.
    let mut rest = Vec::new();
    timeout(PLENTY, stream.read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap();
}
