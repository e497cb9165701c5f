//! A cluster that answers as a test tells it to.

pub(super) mod shop;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::header::DATE;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::client::Body;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tower::service_fn;

use crate::agent::cluster::{Described, Owner, Pod};

/// What it does with one request.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// Answers with a status and a body.
    With(u16, String),
    /// Answers with a status and a body that is no text.
    Bytes(u16, Vec<u8>),
    /// Begins an answer, and never ends it.
    Stalls(u16, Vec<u8>),
    /// Never answers.
    Never,
    /// Answers after a while.
    Late(Duration, Box<Self>),
    /// Answers by a clock that is so far ahead of the one here.
    Ahead(SignedDuration, Box<Self>),
}

/// Answers what is asked of a ledger as the API does, and keeps it under a version of its own.
pub(super) fn ledger(
    held: &mut Option<Value>,
    version: &mut u64,
    verb: &str,
    body: &Value,
) -> Reply {
    let is_of_this_version = || {
        let held = held.clone().unwrap_or_default();
        held["metadata"]["resourceVersion"] == body["metadata"]["resourceVersion"]
    };
    match verb {
        "GET" => match held {
            Some(ledger) => with(200, ledger),
            None => refusal(404, "NotFound", "no ledger"),
        },
        "PUT" if !is_of_this_version() => refusal(409, "Conflict", "the object has been modified"),
        _ => {
            *version += 1;
            let mut ledger = body.clone();
            ledger["metadata"]["resourceVersion"] = version.to_string().into();
            *held = Some(ledger.clone());
            with(200, &ledger)
        }
    }
}

/// What it was asked: method and address, and the body.
pub(super) type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// A cluster, and what it was asked. `reply` knows the method and the address of a request,
/// its body, and how many there were before it.
pub(super) fn cluster(
    reply: impl Fn(&str, &Value, usize) -> Reply + Send + Sync + 'static,
) -> (Client, Asked) {
    let asked = Asked::default();
    let (reply, remembered) = (Arc::new(reply), Arc::clone(&asked));
    let service = service_fn(move |request: Request<Body>| {
        let (reply, remembered) = (Arc::clone(&reply), Arc::clone(&remembered));
        async move {
            let (head, body) = request.into_parts();
            let bytes = body
                .collect()
                .await
                .map(http_body_util::Collected::to_bytes)
                .unwrap_or_default();
            let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            let line = format!("{} {}", head.method, head.uri);
            let before = {
                let mut remembered = remembered.lock();
                remembered.push((line.clone(), body.clone()));
                remembered.len() - 1
            };
            let mut reply = reply(&line, &body, before);
            let mut date = Timestamp::now();
            let (status, body) = loop {
                match reply {
                    Reply::With(status, text) => break (status, whole(text.into_bytes())),
                    Reply::Bytes(status, bytes) => break (status, whole(bytes)),
                    Reply::Stalls(status, bytes) => break (status, stalls(bytes)),
                    Reply::Never => std::future::pending().await,
                    Reply::Late(delay, later) => {
                        tokio::time::sleep(delay).await;
                        reply = *later;
                    }
                    Reply::Ahead(by, then) => {
                        date += by;
                        reply = *then;
                    }
                }
            };
            let mut response = Response::new(body);
            *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
            if let Ok(date) = DateTimePrinter::new().timestamp_to_rfc9110_string(&date)
                && let Ok(date) = date.parse()
            {
                response.headers_mut().insert(DATE, date);
            }
            Ok::<_, Infallible>(response)
        }
    });
    (Client::new(service, "default"), asked)
}

type ReplyBody = UnsyncBoxBody<Bytes, Infallible>;

fn whole(bytes: Vec<u8>) -> ReplyBody {
    Full::from(bytes).boxed_unsync()
}

/// A body that never comes to its end.
fn stalls(bytes: Vec<u8>) -> ReplyBody {
    let begun = stream::once(async move { Ok(Frame::data(bytes.into())) });
    StreamBody::new(begun.chain(stream::pending())).boxed_unsync()
}

/// A pod that runs and is ready, and is nobody's.
pub(super) fn pod() -> Pod {
    Pod {
        namespace: "shop".to_owned(),
        name: "web-1".to_owned(),
        uid: "the-uid".to_owned(),
        version: "41".to_owned(),
        described: Described::default(),
        created: Timestamp::UNIX_EPOCH,
        is_terminating: false,
        phase: "Running".to_owned(),
        is_ready: true,
        owner: Owner::Nobody,
    }
}

/// An answer with a body.
pub(super) fn with(status: u16, body: &Value) -> Reply {
    Reply::With(status, body.to_string())
}

/// A refusal as the API words it.
pub(super) fn refusal(code: u16, reason: &str, message: &str) -> Reply {
    with(code, &status("Failure", code, reason, message))
}

/// A `Status` as the API words it.
pub(super) fn status(status: &str, code: u16, reason: &str, message: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": status,
        "code": code, "reason": reason, "message": message,
    })
}
