//! Where a user stopped watching. A position is on disk before it is acknowledged: in playback,
//! or in the outbox while playback is away.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};
use resilience::context::CallContext;
use resilience::ledger::{Degradation, Reason};
use resilience::rejection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::login::pass_on;
use crate::gateway::Gateway;
use crate::gateway::ask::{Answer, ask, failed, get, write};
use crate::gateway::session::User;
use crate::shell::{JsonBody, JsonError, JsonPath, JsonResult, idempotency_key};

/// A position in the outbox is safe, but other devices see it later.
const OUTBOX_WEIGHT: f64 = 0.1;

/// A position as playback takes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::gateway) struct PositionWrite {
    pub(in crate::gateway) user: u32,
    pub(in crate::gateway) title: u32,
    pub(in crate::gateway) sequence: u64,
    pub(in crate::gateway) seconds: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Save {
    sequence: u64,
    seconds: u64,
}

pub(super) async fn save(
    State(gateway): State<Arc<Gateway>>,
    user: User,
    JsonPath(title): JsonPath<u32>,
    headers: HeaderMap,
    JsonBody(save): JsonBody<Save>,
) -> JsonResult<Response> {
    let key = idempotency_key(&headers)?.ok_or_else(|| {
        JsonError::bad_request(
            "send an `Idempotency-Key`, the same for every attempt at this write",
        )
    })?;
    let position = PositionWrite {
        user: user.id,
        title,
        sequence: save.sequence,
        seconds: save.seconds,
    };
    let header = headers.get("idempotency-key");
    let request = write(Method::PUT, "/v1/positions", &position, header)?;
    let saved = ask(&gateway.dependencies.playback, request).await;
    let Some(outbox) = &gateway.outbox else {
        return pass_on(saved.map_err(failed)?);
    };
    let reason = match saved {
        Ok(answer) if !answer.status.is_server_error() => return pass_on(answer),
        Ok(_) => Reason::Status,
        Err(error) => rejection::reason(error.as_ref()),
    };
    outbox.keep(key, &position).await?;
    if let Some(context) = CallContext::current() {
        context.degrade(Degradation::new(
            "playback",
            reason,
            "outbox",
            OUTBOX_WEIGHT,
        ));
    }
    let body = json!({"title": title, "sequence": save.sequence, "seconds": save.seconds});
    pass_on(Answer {
        status: StatusCode::OK,
        body: body.to_string().into(),
    })
}

/// What is saved, wherever it lies: the newer of playback's and the outbox's.
pub(super) async fn read(
    State(gateway): State<Arc<Gateway>>,
    user: User,
    JsonPath(title): JsonPath<u32>,
) -> JsonResult<Json<Value>> {
    let waiting = match &gateway.outbox {
        Some(outbox) => outbox.waiting(user.id, title).await?,
        None => None,
    };
    let request = get(format!("/v1/positions/{title}?user={}", user.id), 1.0)?;
    let stored: JsonResult<Value> = match ask(&gateway.dependencies.playback, request).await {
        Ok(answer) => answer.json(),
        Err(error) => Err(failed(error)),
    };
    let stored_sequence = stored
        .as_ref()
        .ok()
        .and_then(|position| position.get("sequence")?.as_u64());
    match waiting {
        Some(entry) if stored_sequence.is_none_or(|stored| stored < entry.sequence) => {
            Ok(Json(json!({
                "title": title,
                "sequence": entry.sequence,
                "seconds": entry.seconds,
            })))
        }
        _ => stored.map(Json),
    }
}
