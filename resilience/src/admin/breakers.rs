//! Steering breakers.

use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use bytes::Bytes;
use serde::Deserialize;

use super::answers::{Failure, read};
use super::registered::Shared;
use super::status::{BreakerReport, KeyedBreakersReport};
use crate::circuit_breaker::{BreakerHandle, Mode};
use crate::settings::{BreakerSettings, Mistake};

type Body = Result<Bytes, BytesRejection>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    mode: Mode,
}

pub(super) async fn one(
    State(shared): State<Shared>,
    Path(name): Path<String>,
) -> Result<Json<BreakerReport>, Failure> {
    Ok(report(&find(&shared, &name)?))
}

pub(super) async fn switch(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    body: Body,
) -> Result<Json<BreakerReport>, Failure> {
    let breaker = find(&shared, &name)?;
    let Switch { mode } = read(body)?;
    breaker.switch(mode);
    let mode = mode.as_str();
    tracing::info!(
        breaker = name,
        mode,
        "an operator set breaker {name} to {mode}"
    );
    Ok(report(&breaker))
}

pub(super) async fn reset(
    State(shared): State<Shared>,
    Path(name): Path<String>,
) -> Result<Json<BreakerReport>, Failure> {
    let breaker = find(&shared, &name)?;
    breaker.reset();
    tracing::info!(breaker = name, "an operator reset breaker {name}");
    Ok(report(&breaker))
}

pub(super) async fn reconfigure(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    body: Body,
) -> Result<Json<BreakerReport>, Failure> {
    let breaker = find(&shared, &name)?;
    let settings: BreakerSettings = read(body)?;
    let switch = settings.switch();
    switch
        .map_or_else(|| settings.put_in_force(&breaker), Err)
        .map_err(|mistake| refused(&mistake))?;
    tracing::info!(
        breaker = name,
        ?settings,
        "an operator reconfigured breaker {name}"
    );
    Ok(report(&breaker))
}

/// Gives the breakers of all keys other rules.
pub(super) async fn reconfigure_keyed(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    body: Body,
) -> Result<Json<KeyedBreakersReport>, Failure> {
    let breakers = shared.registered.keyed(&name);
    let breakers = breakers.ok_or_else(|| Failure::unknown("keyed breakers", &name))?;
    let settings: BreakerSettings = read(body)?;
    settings
        .put_in_force_for_keys(breakers)
        .map_err(|mistake| refused(&mistake))?;
    tracing::info!(
        breakers = name,
        ?settings,
        "an operator reconfigured the breakers of all keys of {name}"
    );
    Ok(Json(breakers.into()))
}

fn refused(mistake: &Mistake) -> Failure {
    Failure::value(mistake.path(), mistake.message())
}

fn find(shared: &Shared, name: &str) -> Result<BreakerHandle, Failure> {
    let breaker = shared.registered.breaker(name);
    breaker.ok_or_else(|| Failure::unknown("breaker", name))
}

fn report(breaker: &BreakerHandle) -> Json<BreakerReport> {
    Json(breaker.into())
}
