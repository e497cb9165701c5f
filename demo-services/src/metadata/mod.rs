//! The catalogue: titles one by one, in bulk, by full-text search, and as a compact index.

mod search;
mod stored;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::CONTENT_TYPE;
use serde::Deserialize;

use crate::shell::{JsonError, JsonPath, JsonQuery, JsonResult, ServiceParts, Shell};

pub use stored::{Catalogue, store};

/// How many titles one request may ask for.
const MAXIMUM_IDS: usize = 200;

/// How many hits a search answers when it does not say, and at most.
const HITS: u32 = 20;
const MAXIMUM_HITS: u32 = 100;

/// Puts metadata together.
///
/// # Errors
///
/// When the data folder was not set up.
pub async fn parts(shell: Shell) -> anyhow::Result<ServiceParts> {
    let catalogue = Catalogue::open(&shell.settings.data()?.join("catalogue.sqlite")).await?;
    Ok(ServiceParts::internal(
        "metadata",
        &shell,
        router(catalogue),
    )?)
}

fn router(catalogue: Catalogue) -> Router {
    Router::new()
        .route("/v1/titles", get(titles))
        .route("/v1/titles/{id}", get(title))
        .route("/v1/search", get(search_titles))
        .route("/v1/index", get(index))
        .with_state(Arc::new(catalogue))
}

#[derive(Deserialize)]
struct Ids {
    ids: String,
}

#[derive(Deserialize)]
struct Search {
    q: String,
    limit: Option<u32>,
}

async fn titles(
    State(catalogue): State<Arc<Catalogue>>,
    JsonQuery(Ids { ids }): JsonQuery<Ids>,
) -> JsonResult<Response> {
    let ids = ids
        .split(',')
        .filter(|id| !id.is_empty())
        .map(str::parse)
        .collect::<Result<Vec<u32>, _>>()
        .map_err(|_| JsonError::bad_request("ids must be numbers with commas between them"))?;
    if ids.len() > MAXIMUM_IDS {
        return Err(JsonError::bad_request(format!(
            "at most {MAXIMUM_IDS} ids at once"
        )));
    }
    let titles = catalogue.titles(&ids).await.map_err(JsonError::internal)?;
    Ok(json_text(list(&titles)))
}

async fn title(
    State(catalogue): State<Arc<Catalogue>>,
    JsonPath(id): JsonPath<u32>,
) -> JsonResult<Response> {
    let titles = catalogue.titles(&[id]).await.map_err(JsonError::internal)?;
    match titles.into_iter().next() {
        Some(title) => Ok(json_text(title)),
        None => Err(JsonError::not_found(format!("there is no title {id}"))),
    }
}

async fn search_titles(
    State(catalogue): State<Arc<Catalogue>>,
    JsonQuery(Search { q, limit }): JsonQuery<Search>,
) -> JsonResult<Response> {
    let limit = limit.unwrap_or(HITS).min(MAXIMUM_HITS);
    let hits = match search::expression(&q) {
        Some(expression) => catalogue
            .search(&expression, limit)
            .await
            .map_err(JsonError::internal)?,
        None => Vec::new(),
    };
    Ok(json_text(list(&hits)))
}

async fn index(State(catalogue): State<Arc<Catalogue>>) -> JsonResult<Response> {
    let index = catalogue.index().await.map_err(JsonError::internal)?;
    Ok(json_text(index))
}

/// Titles are stored as the JSON they are answered as.
fn list(titles: &[String]) -> String {
    format!(r#"{{"titles":[{}]}}"#, titles.join(","))
}

fn json_text(text: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{Request, StatusCode};
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;
    use crate::catalogue;

    async fn get(paths: &[&str]) -> Vec<(StatusCode, Value)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalogue.sqlite");
        store(&path, &catalogue::generate(7, 300)).await.unwrap();
        let router = router(Catalogue::open(&path).await.unwrap());
        let mut answers = Vec::new();
        for path in paths {
            let request = Request::get(*path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            let status = response.status();
            let body = axum::body::to_bytes(response.into_body(), 1_000_000)
                .await
                .unwrap();
            answers.push((status, serde_json::from_slice(&body).unwrap_or_default()));
        }
        answers
    }

    #[tokio::test]
    async fn titles_come_one_by_one_in_bulk_and_as_an_index() {
        let answers = get(&[
            "/v1/titles/17",
            "/v1/titles?ids=3,17,999999",
            "/v1/titles/999999",
            "/v1/index",
        ])
        .await;
        assert_eq!(answers[0].1["id"], 17);
        let ids: Vec<_> = answers[1].1["titles"]
            .as_array()
            .unwrap()
            .iter()
            .map(|title| &title["id"])
            .collect();
        assert_eq!(ids, [3, 17]);
        assert_eq!(answers[2].0, StatusCode::NOT_FOUND);
        assert_eq!(answers[3].1["titles"].as_array().unwrap().len(), 300);
    }

    #[tokio::test]
    async fn search_finds_names_cast_and_beginnings() {
        let title = catalogue::generate(7, 300).remove(41);
        let actor = title.cast[0].replace(' ', "%20");
        let first = title.name.split(' ').next_back().unwrap().to_lowercase();
        let paths = [
            format!("/v1/search?q={actor}"),
            format!("/v1/search?limit=100&q={}", &first[..3]),
        ];
        let answers = get(&[&paths[0], &paths[1]]).await;
        for (status, body) in answers {
            assert_eq!(status, StatusCode::OK);
            let hits = body["titles"].as_array().unwrap();
            assert!(hits.iter().any(|hit| hit["id"] == title.id), "{body}");
        }
    }

    #[tokio::test]
    async fn garbage_is_answered_and_never_a_server_error() {
        let paths = [
            "/v1/search?q=%22%22%22",
            "/v1/search?q=NEAR(",
            "/v1/search?q=-*%5E:%7B%7D",
            "/v1/search?q=",
            "/v1/search",
            "/v1/titles?ids=one",
            "/v1/titles/one",
            "/v1/titles",
        ];
        for ((status, body), path) in get(&paths).await.into_iter().zip(paths) {
            if status == StatusCode::OK {
                assert_eq!(body["titles"], serde_json::json!([]), "{path}");
            } else {
                assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
                assert!(body["error"]["message"].is_string(), "{path}: {body}");
            }
        }
        let many = vec!["1"; 201].join(",");
        let path = format!("/v1/titles?ids={many}");
        assert_eq!(get(&[&path]).await[0].0, StatusCode::BAD_REQUEST);
    }
}
