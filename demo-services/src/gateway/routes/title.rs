//! The page of one title.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use crate::gateway::Gateway;
use crate::gateway::ask::{ask_json, get};
use crate::gateway::session::User;
use crate::shell::{JsonPath, JsonResult};

/// Cast, synopsis and renditions are most of the page; name, year and genres remain.
const TITLE_WEIGHT: f64 = 0.6;

pub(super) async fn title(
    State(gateway): State<Arc<Gateway>>,
    _user: User,
    JsonPath(id): JsonPath<u32>,
) -> JsonResult<Json<Value>> {
    let request = get(format!("/v1/titles/{id}"), TITLE_WEIGHT)?;
    ask_json(&gateway.dependencies.metadata, request)
        .await
        .map(Json)
}
