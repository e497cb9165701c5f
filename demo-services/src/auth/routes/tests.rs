use axum::body::Body;
use http::Request;
use tower::ServiceExt;

use super::*;
use crate::auth::fresh_key;
use crate::auth::signer::ACCESS_SECONDS;
use crate::auth::verify::{KeySet, LEEWAY_SECONDS, Revocations, verify};
use crate::store::{AuthStore, SqliteAuth, StoredUser, unix_seconds};

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
        let auth = Arc::new(Auth::new(Arc::new(store)).await.unwrap());
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

#[tokio::test]
async fn a_rotated_key_is_published_before_it_signs() {
    let rig = Rig::new().await;
    let before = rig.call("GET", "/v1/keys", "").await.1.to_string();
    let (_, rotated) = rig.call("POST", "/keys/rotate", "").await;
    let after = rig.call("GET", "/v1/keys", "").await.1;
    let published = after["keys"].as_array().unwrap();
    assert!(published.iter().any(|key| key["kid"] == rotated["kid"]));

    // Somebody who has not fetched the keys since still knows whoever logs in now.
    let (_, tokens) = rig.call("POST", "/v1/login", GOOD).await;
    let token = tokens["accessToken"].as_str().unwrap();
    let keys = KeySet::parse(before.as_bytes()).unwrap();
    verify(token, &keys, &Revocations::default()).unwrap();
}

#[tokio::test]
async fn a_revocation_outlives_every_token_of_its_session() {
    let rig = Rig::new().await;
    let (_, tokens) = rig.call("POST", "/v1/login", GOOD).await;
    let latest = unix_seconds() + ACCESS_SECONDS + LEEWAY_SECONDS.cast_signed();
    let refresh = json!({"refreshToken": tokens["refreshToken"]}).to_string();
    rig.call("POST", "/v1/revoke", &refresh).await;
    let (_, revocations) = rig.call("GET", "/v1/revocations", "").await;
    let until = &revocations["revoked"][0]["untilUnixSeconds"];
    assert!(until.as_i64().unwrap() >= latest, "{until} < {latest}");
}

#[tokio::test]
async fn of_two_that_refresh_with_one_token_one_succeeds() {
    let rig = Rig::new().await;
    let (_, tokens) = rig.call("POST", "/v1/login", GOOD).await;
    let refresh = json!({"refreshToken": tokens["refreshToken"]}).to_string();
    let (one, other) = tokio::join!(
        rig.call("POST", "/v1/refresh", &refresh),
        rig.call("POST", "/v1/refresh", &refresh),
    );
    let mut statuses = [one.0.as_u16(), other.0.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
}

#[tokio::test]
async fn every_route_answers_garbage_with_a_clear_error() {
    let rig = Rig::new().await;
    for path in ["/v1/login", "/v1/refresh", "/v1/revoke"] {
        for garbage in ["", "{", "[]", "null", r#"{"name":1}"#, "\u{0}"] {
            let (status, body) = rig.call("POST", path, garbage).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {garbage}");
            assert_eq!(body["error"]["code"], "bad-request");
        }
        let (status, body) = rig.call("POST", path, &"x".repeat(100_000)).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        assert_eq!(body["error"]["code"], "too-large");
    }
    let unknown = r#"{"refreshToken":"nobody has this one"}"#;
    let (status, _) = rig.call("POST", "/v1/refresh", unknown).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (status, _) = rig.call("POST", "/v1/revoke", unknown).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_has_ended_is_forgotten_and_a_living_session_is_not() {
    let rig = Rig::new().await;
    let (_, tokens) = rig.call("POST", "/v1/login", GOOD).await;
    rig.auth
        .store
        .begin_session(
            b"ended",
            &crate::store::Refresh {
                session: "ended".to_owned(),
                user: 1,
            },
            1,
        )
        .await
        .unwrap();
    rig.auth.store.forget_ended().await.unwrap();
    assert!(!rig.auth.store.revoke(b"ended", 1).await.unwrap());
    let refresh = json!({"refreshToken": tokens["refreshToken"]}).to_string();
    let (status, _) = rig.call("POST", "/v1/refresh", &refresh).await;
    assert_eq!(status, StatusCode::OK);
}
