//! Search over all titles.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;

use crate::gateway::Gateway;
use crate::gateway::ask::{ask_json, get};
use crate::gateway::session::User;
use crate::shell::{JsonError, JsonQuery, JsonResult};

/// The index finds names; cast and synopsis are searched by metadata alone.
const SEARCH_WEIGHT: f64 = 0.5;

/// The longest query that makes sense.
const MAXIMUM_QUERY_CHARACTERS: usize = 200;

#[derive(Debug, Deserialize)]
pub(super) struct Search {
    q: String,
}

pub(super) async fn search(
    State(gateway): State<Arc<Gateway>>,
    _user: User,
    JsonQuery(search): JsonQuery<Search>,
) -> JsonResult<Json<Value>> {
    if search.q.trim().is_empty() || search.q.chars().count() > MAXIMUM_QUERY_CHARACTERS {
        return Err(JsonError::bad_request(format!(
            "q must have 1 to {MAXIMUM_QUERY_CHARACTERS} characters"
        )));
    }
    let query: String = form_urlencoded::byte_serialize(search.q.as_bytes()).collect();
    let request = get(format!("/v1/search?limit=20&q={query}"), SEARCH_WEIGHT)?;
    ask_json(&gateway.dependencies.metadata, request)
        .await
        .map(Json)
}
