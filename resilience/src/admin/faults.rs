//! Breaking on purpose.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::answers::{Failure, read};
use super::registered::Shared;
use crate::fault::{FaultError, FaultId, FaultSpec, Faults};

type Body = Result<Bytes, BytesRejection>;

#[derive(Debug, Serialize)]
pub(super) struct Injected {
    id: FaultId,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Renewal {
    lease_ms: u64,
}

pub(super) async fn inject(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    body: Body,
) -> Result<(StatusCode, Json<Injected>), Failure> {
    let faults = find(&shared, &name)?;
    let spec: FaultSpec = read(body)?;
    let id = faults.inject(spec).map_err(failure)?;
    Ok((StatusCode::CREATED, Json(Injected { id })))
}

pub(super) async fn renew(
    State(shared): State<Shared>,
    Path((name, id)): Path<(String, String)>,
    body: Body,
) -> Result<StatusCode, Failure> {
    let faults = find(&shared, &name)?;
    let Renewal { lease_ms } = read(body)?;
    faults
        .renew(number(&id)?, Duration::from_millis(lease_ms))
        .map_err(failure)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn lift(
    State(shared): State<Shared>,
    Path((name, id)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    find(&shared, &name)?.lift(number(&id)?).map_err(failure)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn lift_all(
    State(shared): State<Shared>,
    Path(name): Path<String>,
) -> Result<StatusCode, Failure> {
    find(&shared, &name)?.lift_all();
    Ok(StatusCode::NO_CONTENT)
}

fn find<'a>(shared: &'a Shared, name: &str) -> Result<&'a Faults, Failure> {
    let faults = shared.registered.faults(name);
    faults.ok_or_else(|| Failure::unknown("place for faults", name))
}

fn number(id: &str) -> Result<FaultId, Failure> {
    let unknown = || Failure::unknown("fault", id);
    id.parse().map(FaultId).map_err(|_| unknown())
}

fn failure(error: FaultError) -> Failure {
    match error {
        FaultError::Value { key, .. } => Failure::value(key, error.to_string()),
        FaultError::TooMany { .. } => {
            Failure::new(StatusCode::CONFLICT, "too-many", error.to_string())
        }
        FaultError::Unknown(_) => Failure::new(StatusCode::NOT_FOUND, "unknown", error.to_string()),
    }
}
