//! Rows of titles for a user, from what similar people watched; popular rows as a cheap path of
//! their own.

mod similarity;
mod stored;

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use crate::shell::{JsonPath, ServiceParts, Shell};

pub use similarity::Similarity;
pub use stored::{load, store};

/// How many titles a row has.
const ROW: usize = 10;

/// How many rows begin with a title that the user watched.
const BECAUSE: usize = 2;

/// All that rows are made from.
#[derive(Debug)]
pub struct Taste {
    /// Which titles go together.
    pub similarity: Similarity,
    /// What each viewer has watched; user n is viewer n, counted from 1.
    pub histories: Vec<Vec<u16>>,
}

#[derive(Debug, Serialize)]
struct Rows {
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    label: String,
    titles: Vec<u16>,
}

/// Puts recommendations together.
///
/// # Errors
///
/// When the data folder was not set up.
pub async fn parts(shell: Shell) -> anyhow::Result<ServiceParts> {
    let path = shell.settings.data()?.join("similarity.sqlite");
    let taste = load(&path).await?;
    Ok(ServiceParts::internal(
        "recommendations",
        &shell,
        router(taste),
    )?)
}

fn router(taste: Taste) -> Router {
    Router::new()
        .route("/v1/users/{id}/rows", get(rows))
        .route("/v1/popular", get(popular))
        .with_state(Arc::new(taste))
}

async fn rows(State(taste): State<Arc<Taste>>, JsonPath(user): JsonPath<u32>) -> Json<Rows> {
    let history = usize::try_from(user)
        .ok()
        .and_then(|user| taste.histories.get(user.checked_sub(1)?));
    Json(match history {
        Some(history) => rows_for(&taste.similarity, history),
        None => popular_rows(&taste.similarity),
    })
}

async fn popular(State(taste): State<Arc<Taste>>) -> Json<Rows> {
    Json(popular_rows(&taste.similarity))
}

fn rows_for(similarity: &Similarity, history: &[u16]) -> Rows {
    let mut rows = vec![Row {
        id: "for-you".to_owned(),
        label: "For you".to_owned(),
        titles: similarity.recommend(history, ROW),
    }];
    for title in history.iter().rev().take(BECAUSE) {
        let titles = similarity.similar(*title).iter().map(|(title, _)| *title);
        rows.push(Row {
            id: format!("because-{title}"),
            label: "Because you watched".to_owned(),
            titles: titles
                .filter(|title| !history.contains(title))
                .take(ROW)
                .collect(),
        });
    }
    rows.extend(popular_rows(similarity).rows.into_iter().take(1));
    rows.retain(|row| !row.titles.is_empty());
    Rows { rows }
}

fn popular_rows(similarity: &Similarity) -> Rows {
    let labels = ["Popular now", "Also popular", "People keep watching"];
    let rows = similarity.popular.chunks(ROW).zip(labels).zip(1..);
    Rows {
        rows: rows
            .map(|((titles, label), number)| Row {
                id: format!("popular-{number}"),
                label: label.to_owned(),
                titles: titles.to_vec(),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{Request, StatusCode};
    use tower::ServiceExt;

    use super::*;

    async fn get(path: &str) -> (StatusCode, serde_json::Value) {
        let histories = vec![vec![1, 2, 3], vec![1, 2, 4], vec![2, 3, 4]];
        let similarity = Similarity::compute(4, &histories);
        let router = router(Taste {
            similarity,
            histories,
        });
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 100_000)
            .await
            .unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    #[tokio::test]
    async fn a_user_gets_rows_and_a_stranger_gets_popular_ones() {
        let (status, rows) = get("/v1/users/1/rows").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(rows["rows"][0]["id"], "for-you");
        assert_eq!(rows["rows"][0]["titles"], serde_json::json!([4]));
        let (_, stranger) = get("/v1/users/0/rows").await;
        let (_, popular) = get("/v1/popular").await;
        assert_eq!(stranger, popular);
        for garbage in ["nobody", "-1", "99999999999"] {
            let (status, body) = get(&format!("/v1/users/{garbage}/rows")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{garbage}");
            assert_eq!(body["error"]["code"], "bad-request");
        }
    }
}
