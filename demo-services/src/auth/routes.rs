//! The routes of auth.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::login::{Auth, Tokens};
use super::signer::{fresh_key, key_set};
use crate::shell::{JsonBody, JsonError, JsonResult};
use crate::store::AuthStore;

#[derive(Deserialize)]
struct Login {
    name: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefreshToken {
    refresh_token: String,
}

pub(super) fn router(auth: Arc<Auth>) -> Router {
    Router::new()
        .route("/v1/login", post(login))
        .route("/v1/refresh", post(refresh))
        .route("/v1/revoke", post(revoke))
        .route("/v1/keys", get(keys))
        .route("/v1/revocations", get(revocations))
        .with_state(auth)
}

/// `POST /admin/keys/rotate`: sign with a new key from now on.
pub(super) fn admin(auth: Arc<Auth>) -> Router {
    Router::new()
        .route("/keys/rotate", post(rotate))
        .with_state(auth)
}

async fn login(
    State(auth): State<Arc<Auth>>,
    JsonBody(login): JsonBody<Login>,
) -> JsonResult<Json<Tokens>> {
    auth.login(&login.name, login.password).await.map(Json)
}

async fn refresh(
    State(auth): State<Arc<Auth>>,
    JsonBody(token): JsonBody<RefreshToken>,
) -> JsonResult<Json<Tokens>> {
    auth.refresh(&token.refresh_token).await.map(Json)
}

async fn revoke(
    State(auth): State<Arc<Auth>>,
    JsonBody(token): JsonBody<RefreshToken>,
) -> JsonResult<StatusCode> {
    auth.revoke(&token.refresh_token).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn keys(State(auth): State<Arc<Auth>>) -> JsonResult<Json<Value>> {
    let keys = auth
        .store
        .signing_keys()
        .await
        .map_err(JsonError::internal)?;
    key_set(&keys).map(Json).map_err(JsonError::internal)
}

async fn revocations(State(auth): State<Arc<Auth>>) -> JsonResult<Json<Value>> {
    let revoked = auth.store.revoked().await.map_err(JsonError::internal)?;
    let revoked: Vec<_> = revoked
        .iter()
        .map(|one| json!({"session": one.session, "untilUnixSeconds": one.until}))
        .collect();
    Ok(Json(json!({"revoked": revoked})))
}

async fn rotate(State(auth): State<Arc<Auth>>) -> JsonResult<Json<Value>> {
    let key = fresh_key();
    auth.store
        .add_signing_key(&key)
        .await
        .map_err(JsonError::internal)?;
    Ok(Json(json!({"kid": key.id})))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use tower::ServiceExt;

    use super::*;
    use crate::auth::verify::{KeySet, Revocations, verify};
    use crate::store::{SqliteAuth, StoredUser};

    struct Rig {
        _folder: tempfile::TempDir,
        auth: Arc<Auth>,
    }

    impl Rig {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = SqliteAuth::open(&folder.path().join("auth.sqlite"))
                .await
                .unwrap();
            let user = StoredUser {
                id: 1,
                name: "ana".to_owned(),
                plan: "basic".to_owned(),
                password_hash: crate::auth::hash("secret").unwrap(),
            };
            store.add_users(&[user]).await.unwrap();
            store.add_signing_key(&fresh_key()).await.unwrap();
            let auth = Arc::new(Auth::new(store).await.unwrap());
            Self {
                _folder: folder,
                auth,
            }
        }

        async fn call(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
            let router = router(Arc::clone(&self.auth)).merge(admin(Arc::clone(&self.auth)));
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header("content-type", "application/json")
                .body(Body::from(body.to_owned()))
                .unwrap();
            let response = router.oneshot(request).await.unwrap();
            let status = response.status();
            let body = axum::body::to_bytes(response.into_body(), 100_000)
                .await
                .unwrap();
            (status, serde_json::from_slice(&body).unwrap_or_default())
        }

        async fn verify(&self, token: &str) -> bool {
            let keys = self.call("GET", "/v1/keys", "").await.1.to_string();
            let revoked = self.call("GET", "/v1/revocations", "").await.1.to_string();
            let keys = KeySet::parse(keys.as_bytes()).unwrap();
            let revoked = Revocations::parse(revoked.as_bytes()).unwrap();
            verify(token, &keys, &revoked).is_ok()
        }
    }

    const GOOD: &str = r#"{"name":"ana","password":"secret"}"#;

    #[tokio::test]
    async fn login_refresh_rotation_and_revocation() {
        let rig = Rig::new().await;
        let (status, first) = rig.call("POST", "/v1/login", GOOD).await;
        assert_eq!(status, StatusCode::OK);
        let access = first["accessToken"].as_str().unwrap().to_owned();
        assert!(rig.verify(&access).await);

        assert_eq!(rig.call("POST", "/keys/rotate", "").await.0, StatusCode::OK);
        assert!(
            rig.verify(&access).await,
            "a token of the old key stays good"
        );

        let old = json!({"refreshToken": first["refreshToken"]}).to_string();
        let (status, second) = rig.call("POST", "/v1/refresh", &old).await;
        assert_eq!(status, StatusCode::OK);
        let (status, _) = rig.call("POST", "/v1/refresh", &old).await;
        assert_eq!(
            status,
            StatusCode::UNAUTHORIZED,
            "a used refresh token is dead"
        );

        let new = json!({"refreshToken": second["refreshToken"]}).to_string();
        assert_eq!(
            rig.call("POST", "/v1/revoke", &new).await.0,
            StatusCode::NO_CONTENT
        );
        assert!(!rig.verify(&access).await);
        assert!(!rig.verify(second["accessToken"].as_str().unwrap()).await);
    }

    #[tokio::test]
    async fn what_is_wrong_is_said_without_telling_which() {
        let rig = Rig::new().await;
        let wrong = [
            r#"{"name":"ana","password":"wrong"}"#,
            r#"{"name":"nobody","password":"secret"}"#,
        ];
        let mut answers = Vec::new();
        for body in wrong {
            answers.push(rig.call("POST", "/v1/login", body).await);
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(answers[0].0, StatusCode::UNAUTHORIZED);
        for garbage in ["", "{", "[]", r#"{"name":1}"#] {
            let (status, body) = rig.call("POST", "/v1/login", garbage).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{garbage}");
            assert!(body["error"]["message"].is_string());
        }
    }
}
