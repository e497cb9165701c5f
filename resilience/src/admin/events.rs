//! Events as they happen.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Sse;
use axum::response::sse::{Event as Message, KeepAlive};
use futures_core::Stream;
use futures_util::stream;
use http::StatusCode;
use serde::Deserialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, TryAcquireError};

use super::answers::Failure;
use super::registered::Shared;
use crate::telemetry::Event;

/// How often a quiet stream says that it is still there: often enough for proxies that cut a
/// silent connection after half a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Wish {
    /// Events that come once per call, too.
    calls: bool,
}

/// One stream.
struct Streaming {
    events: Receiver<Event>,
    with_calls: bool,
    _permit: OwnedSemaphorePermit,
}

pub(super) async fn stream(
    State(shared): State<Shared>,
    wish: Result<Query<Wish>, QueryRejection>,
) -> Result<Sse<impl Stream<Item = Result<Message, Infallible>>>, Failure> {
    let Query(wish) =
        wish.map_err(|error| Failure::new(StatusCode::BAD_REQUEST, "query", error.body_text()))?;
    let Some(telemetry) = &shared.registered.telemetry else {
        let message = "no telemetry is registered to take events from";
        return Err(Failure::new(StatusCode::NOT_FOUND, "unknown", message));
    };
    let permit = shared
        .streams
        .clone()
        .try_acquire_owned()
        .map_err(|_: TryAcquireError| {
            let message = "as many streams are open as may be: close one first";
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, "too-many", message)
        })?;
    let streaming = Streaming {
        events: telemetry.subscribe(),
        with_calls: wish.calls,
        _permit: permit,
    };
    let messages = stream::unfold(streaming, async |mut streaming| {
        let message = streaming.next().await?;
        Some((Ok(message), streaming))
    });
    Ok(Sse::new(messages).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

impl Streaming {
    /// The next message; `None` when there will be no more events.
    async fn next(&mut self) -> Option<Message> {
        loop {
            match self.events.recv().await {
                Ok(event) if self.with_calls || !event.comes_once_per_call() => {
                    return Some(message(&event));
                }
                Ok(_) => {}
                Err(RecvError::Lagged(missed)) => {
                    let data = format!(r#"{{"event":"lagged","missed":{missed}}}"#);
                    return Some(Message::default().event("lagged").data(data));
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

/// The event as JSON, under the name of its kind.
fn message(event: &Event) -> Message {
    let json = serde_json::to_value(event).unwrap_or_default();
    let kind = json["event"].as_str().unwrap_or("event").to_owned();
    Message::default().event(kind).data(json.to_string())
}
