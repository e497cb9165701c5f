use axum::body::Body;
use http::Request;
use tower::ServiceExt;

use super::*;
use crate::catalogue;
use crate::store::SqlitePlayback;

struct Rig {
    _folder: tempfile::TempDir,
    playback: Arc<Playback>,
    free: u32,
    premium: u32,
}

impl Rig {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let titles = catalogue::generate(7, 200);
        let catalogue = folder.path().join("catalogue.sqlite");
        crate::metadata::store(&catalogue, &titles).await.unwrap();
        let path = folder.path().join("playback.sqlite");
        let store = SqlitePlayback::open(&path).await.unwrap();
        let id = |premium| {
            titles
                .iter()
                .find(|title| title.premium == premium)
                .unwrap()
                .id
        };
        Self {
            playback: Arc::new(Playback {
                store: Arc::new(store),
                catalogue: Catalogue::open(&catalogue).await.unwrap(),
                key: ManifestKey::new(b"0123456789abcdef"),
            }),
            free: id(false),
            premium: id(true),
            _folder: folder,
        }
    }

    async fn call(&self, method: &str, path: &str, key: &str, body: Value) -> (u16, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if !key.is_empty() {
            request = request.header("idempotency-key", key);
        }
        let request = request
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let response = router(Arc::clone(&self.playback))
            .oneshot(request)
            .await
            .unwrap();
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 100_000)
            .await
            .unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn start(&self, plan: &str, device: &str, title: u32, key: &str) -> (u16, Value) {
        let body = json!({"user": 1, "plan": plan, "device": device, "title": title});
        self.call("POST", "/v1/streams", key, body).await
    }
}

#[tokio::test]
async fn plans_limit_titles_and_streams() {
    let rig = Rig::new().await;
    assert_eq!(rig.start("basic", "tv", rig.premium, "").await.0, 403);
    assert_eq!(rig.start("premium", "tv", rig.premium, "").await.0, 200);
    assert_eq!(rig.start("basic", "phone", rig.free, "").await.0, 409);
    assert_eq!(rig.start("standard", "phone", rig.free, "").await.0, 200);
    assert_eq!(rig.start("gold", "tv", rig.free, "").await.0, 400);
    assert_eq!(rig.start("basic", "tv", 999_999, "").await.0, 404);
}

#[tokio::test]
async fn a_repeated_start_is_one_stream_and_its_manifest_is_signed() {
    let rig = Rig::new().await;
    let (_, first) = rig.start("basic", "tv", rig.free, "key").await;
    let (_, again) = rig.start("basic", "tv", rig.free, "key").await;
    assert_eq!(first["stream"], again["stream"]);
    let url = first["manifestUrl"].as_str().unwrap();
    let (status, manifest) = rig.call("GET", url, "", Value::Null).await;
    assert_eq!((status, &manifest["title"]), (200, &json!(rig.free)));
    let forged = url.replace("expires=", "expires=9");
    assert_eq!(rig.call("GET", &forged, "", Value::Null).await.0, 403);
    let renew = format!("/v1/streams/{}/renew", first["stream"].as_str().unwrap());
    assert_eq!(rig.call("POST", &renew, "", Value::Null).await.0, 200);
    let stop = renew.trim_end_matches("/renew");
    assert_eq!(rig.call("DELETE", stop, "", Value::Null).await.0, 204);
    assert_eq!(rig.call("POST", &renew, "", Value::Null).await.0, 404);
}

#[tokio::test]
async fn positions_need_a_key_and_keep_their_order() {
    let rig = Rig::new().await;
    let save = |sequence: u64| json!({"user": 1, "title": 5, "sequence": sequence, "seconds": 9});
    assert_eq!(rig.call("PUT", "/v1/positions", "", save(1)).await.0, 400);
    assert_eq!(rig.call("PUT", "/v1/positions", "b", save(8)).await.0, 200);
    let (status, stored) = rig.call("PUT", "/v1/positions", "a", save(3)).await;
    assert_eq!((status, &stored["sequence"]), (200, &json!(8)));
    assert_eq!(rig.call("PUT", "/v1/positions", "a", save(4)).await.0, 422);
    let (_, all) = rig
        .call("GET", "/v1/positions?user=1", "", Value::Null)
        .await;
    assert_eq!(all["positions"][0]["sequence"], 8);
    let (status, _) = rig
        .call("GET", "/v1/positions/6?user=1", "", Value::Null)
        .await;
    assert_eq!(status, 404);
    let huge = json!({"user": 1, "title": 5, "sequence": u64::MAX, "seconds": 9});
    assert_eq!(rig.call("PUT", "/v1/positions", "c", huge).await.0, 400);
    assert_eq!(
        rig.call("PUT", "/v1/positions", "d", json!([])).await.0,
        400
    );
}

#[tokio::test]
async fn a_key_that_started_one_stream_does_not_start_another() {
    let rig = Rig::new().await;
    assert_eq!(rig.start("premium", "tv", rig.free, "key").await.0, 200);
    let (status, body) = rig.start("premium", "phone", rig.free, "key").await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (422, &json!("key-reused"))
    );
    // The same key of somebody else is another key.
    let other = json!({"user": 2, "plan": "basic", "device": "phone", "title": rig.free});
    assert_eq!(rig.call("POST", "/v1/streams", "key", other).await.0, 200);
}

#[tokio::test]
async fn the_key_of_a_position_belongs_to_its_user() {
    let rig = Rig::new().await;
    let save = |user: u32| json!({"user": user, "title": 5, "sequence": 1, "seconds": user});
    for user in [1, 2] {
        let (status, stored) = rig.call("PUT", "/v1/positions", "key", save(user)).await;
        assert_eq!((status, &stored["seconds"]), (200, &json!(user)));
    }
}

#[tokio::test]
async fn every_route_answers_garbage_with_a_clear_error() {
    let rig = Rig::new().await;
    let long = "k".repeat(101);
    let position = json!({"user": 1, "title": 5, "sequence": 1, "seconds": 9});
    let negative = json!({"user": 1, "title": 5, "sequence": -1, "seconds": 9});
    let no_device = json!({"user": 1, "plan": "basic", "device": "", "title": rig.free});
    let forged = "/v1/manifests/x?stream=a&expires=9&signature=a";
    for (method, path, key, body) in [
        ("POST", "/v1/streams", "", json!({})),
        ("POST", "/v1/streams", "", no_device),
        ("PUT", "/v1/positions", "key", Value::Null),
        ("PUT", "/v1/positions", "key", negative),
        ("PUT", "/v1/positions", &long, position),
        ("GET", "/v1/positions", "", Value::Null),
        ("GET", "/v1/positions?user=me", "", Value::Null),
        ("GET", "/v1/positions/x?user=1", "", Value::Null),
        ("GET", "/v1/manifests/1", "", Value::Null),
        ("GET", forged, "", Value::Null),
    ] {
        let (status, answer) = rig.call(method, path, key, body.clone()).await;
        assert_eq!(status, 400, "{method} {path} {body}: {answer}");
        assert_eq!(answer["error"]["code"], "bad-request", "{method} {path}");
    }
    let large = json!({"user": "x".repeat(100_000)});
    for (method, path) in [("POST", "/v1/streams"), ("PUT", "/v1/positions")] {
        let (status, answer) = rig.call(method, path, "key", large.clone()).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (413, &json!("too-large"))
        );
    }
    let (status, _) = rig
        .call("DELETE", "/v1/streams/nothing", "", Value::Null)
        .await;
    assert_eq!(status, 204);
}
