use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::BoxError;
use crate::balance::Endpoints;
use crate::circuit_breaker::keyed::{KeyedBreakers, KeyedCircuitBreakerLayer};
use crate::circuit_breaker::{
    BreakerHandle, CircuitBreakerConfig, CircuitBreakerLayer, Mode, State, Window,
};
use crate::classify::Outcome;
use crate::config::ConfigError;
use crate::fault::Faults;
use crate::hedge::HedgeConfig;
use crate::rate_limit::RateLimiter;
use crate::telemetry::{Event, Telemetry};

const TOKEN: &str = "only-for-operators";

fn breaker(name: &str, telemetry: &Telemetry) -> BreakerHandle {
    let config = CircuitBreakerConfig::new()
        .window(Window::count(10))
        .minimum_calls(4);
    CircuitBreakerLayer::builder(name)
        .config(config)
        .telemetry(telemetry.clone())
        .build()
        .unwrap()
        .handle()
}

fn router(admin: Admin) -> Router {
    admin.router().unwrap()
}

fn request(method: Method, path: &str, token: Option<&str>, body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

async fn json_of(response: Response<Body>) -> Value {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(&bytes).unwrap()
}

/// Status and content of the answer to a request with the token.
async fn send(router: &Router, method: Method, path: &str, body: &str) -> (StatusCode, Value) {
    let request = request(method, path, Some(TOKEN), body);
    let response = router.clone().oneshot(request).await.unwrap();
    (response.status(), json_of(response).await)
}

async fn get(router: &Router, path: &str) -> Value {
    let (status, content) = send(router, Method::GET, path, "").await;
    assert_eq!(status, StatusCode::OK, "{content}");
    content
}

/// The path at which a body is wrong, and what the answer says about it.
async fn mistake(router: &Router, method: Method, path: &str, body: &str) -> (String, String) {
    let (status, content) = send(router, method, path, body).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{content}");
    let text = |key: &str| content["error"][key].as_str().unwrap().to_owned();
    (text("path"), text("message"))
}

/// Every route, with the methods it knows.
fn routes() -> Vec<(Method, &'static str)> {
    let mut routes: Vec<_> = [
        "/",
        "/breakers",
        "/breakers/metadata",
        "/keyed-breakers",
        "/limits",
        "/budgets",
        "/rate-limits",
        "/faults",
        "/events",
        "/nowhere",
    ]
    .map(|path| (Method::GET, path))
    .into();
    routes.extend([
        (Method::PUT, "/breakers/metadata/mode"),
        (Method::PUT, "/breakers/metadata/config"),
        (Method::POST, "/breakers/metadata/reset"),
        (Method::PUT, "/keyed-breakers/cdn/config"),
        (Method::POST, "/faults/metadata"),
        (Method::DELETE, "/faults/metadata"),
        (Method::PUT, "/faults/metadata/1"),
        (Method::DELETE, "/faults/metadata/1"),
        (Method::PATCH, "/breakers"),
    ]);
    routes
}

/// The path where the router is nested; what it says at its root stands at `/admin`.
fn under_admin(path: &str) -> String {
    format!("/admin{}", if path == "/" { "" } else { path })
}

#[tokio::test(start_paused = true)]
async fn nothing_is_told_and_nothing_done_without_the_token() {
    let telemetry = Telemetry::default();
    let breaker = breaker("metadata", &telemetry);
    let faults = Faults::builder("metadata").build();
    for (token, sent) in [
        (TOKEN, None),
        (TOKEN, Some("")),
        (TOKEN, Some("only-for-operatorS")),
        (TOKEN, Some("only-for-operators-")),
        ("", None),
        ("", Some("")),
        ("", Some(TOKEN)),
    ] {
        let admin = Admin::new(token)
            .breaker(breaker.clone())
            .faults(&faults)
            .telemetry(&telemetry);
        let bare = router(admin.clone());
        let nested = Router::new().nest("/admin", router(admin));
        for (method, path) in routes() {
            for (service, path) in [(&bare, path.to_owned()), (&nested, under_admin(path))] {
                let body = r#"{"mode": "forced-open"}"#;
                let request = request(method.clone(), &path, sent, body);
                let response = service.clone().oneshot(request).await.unwrap();
                let context = format!("{token:?} {sent:?} {method} {path}");
                assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{context}");
                assert_eq!(response.headers()["www-authenticate"], "Bearer");
                assert_eq!(response.headers()["cache-control"], "no-store");
                let content = json_of(response).await;
                assert_eq!(content["error"]["code"], "unauthorized", "{context}");
            }
        }
    }
    assert_eq!(breaker.mode(), Mode::Automatic);
    assert_eq!(faults.list(), []);
}

#[tokio::test(start_paused = true)]
async fn everything_that_was_registered_is_listed() {
    let telemetry = Telemetry::default();
    let answering = service_fn(async |_: Request<Bytes>| {
        Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("rows")))
    });
    let client = crate::client("metadata")
        .endpoints(Endpoints::parse("http://r0:80").unwrap())
        .hedge(HedgeConfig::after(Duration::from_millis(50)))
        .telemetry(telemetry.clone())
        .build_on(answering)
        .unwrap();
    let limiter = RateLimiter::builder("callers")
        .quota(10, Duration::from_secs(1))
        .build()
        .unwrap();
    let server = crate::server("gateway")
        .max_in_flight(7)
        .rate_limit(limiter)
        .build()
        .unwrap();
    client.send(Request::new(Bytes::new())).await.unwrap();
    let router = router(Admin::new(TOKEN).client(&client).server(&server));
    tokio::time::advance(Duration::from_millis(1_500)).await;

    let breakers = json!([{
        "name": "metadata", "state": "closed", "mode": "automatic", "for_ms": 1_500,
        "admitted_share": null,
        "window": {"calls": 1, "failures": 0, "slow": 0},
    }]);
    let report = get(&router, "/").await;
    assert_eq!(report["breakers"], breakers);
    assert_eq!(get(&router, "/breakers").await, breakers);
    assert_eq!(get(&router, "/breakers/metadata").await, breakers[0]);

    let limits = get(&router, "/limits").await;
    assert_eq!(limits, report["limits"]);
    assert_eq!(limits[0]["name"], "metadata");
    assert_eq!(limits[0]["kind"], "bulkhead");
    let gateway = json!({
        "name": "gateway", "kind": "server",
        "limit": 7, "is_adaptive": false, "inside": 0, "waiting": 0,
    });
    assert_eq!(limits[1], gateway);

    let budgets = get(&router, "/budgets").await;
    assert_eq!(budgets, report["budgets"]);
    let retry = json!({
        "name": "metadata", "kind": "retry", "calls": 1, "repetitions": 0, "allowed": 100,
    });
    assert_eq!(budgets[0], retry);
    assert_eq!(budgets[1]["kind"], "hedge");

    let rate_limits = get(&router, "/rate-limits").await;
    assert_eq!(rate_limits, report["rate_limits"]);
    let callers = json!([{
        "name": "callers", "burst": 10, "interval_ms": 100.0,
        "keys": null, "passed": 0, "refused": 0,
    }]);
    assert_eq!(rate_limits, callers);
    assert_eq!(report["faults"], json!([]));
    assert_eq!(report["keyed_breakers"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_breaker_is_switched_and_reset() {
    let telemetry = Telemetry::default();
    let breaker = breaker("metadata", &telemetry);
    let router = router(Admin::new(TOKEN).breaker(breaker.clone()));
    for mode in Mode::NAMES {
        let body = json!({ "mode": mode }).to_string();
        let (status, content) = send(&router, Method::PUT, "/breakers/metadata/mode", &body).await;
        assert_eq!((status, &content["mode"]), (StatusCode::OK, &json!(mode)));
        assert_eq!(breaker.mode().as_str(), mode);
    }
    breaker.force_open();
    let path = "/breakers/metadata/reset";
    let (status, content) = send(&router, Method::POST, path, "").await;
    assert_eq!(
        (status, &content["mode"]),
        (StatusCode::OK, &json!("automatic"))
    );
    assert_eq!(
        (breaker.mode(), breaker.state()),
        (Mode::Automatic, State::Closed)
    );
}

#[tokio::test(start_paused = true)]
async fn a_breaker_is_reconfigured_and_keeps_its_state() {
    let breaker = breaker("metadata", &Telemetry::default());
    let fail = || breaker.admit().unwrap().end(Outcome::Failure);
    let router = router(Admin::new(TOKEN).breaker(breaker.clone()));
    let path = "/breakers/metadata/config";
    (0..3).for_each(|_| fail());
    let settings = json!({
        "failure_rate": 0.9, "minimum_calls": 5, "window_calls": 10,
        "backoff": {"base": "1s", "maximum": "5s"},
    });
    let (status, content) = send(&router, Method::PUT, path, &settings.to_string()).await;
    assert_eq!(
        (status, &content["window"]["calls"]),
        (StatusCode::OK, &json!(3))
    );
    fail();
    assert_eq!(breaker.state(), State::Closed);
    fail();
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn mistakes_are_told_with_their_path_and_change_nothing() {
    let breaker = breaker("metadata", &Telemetry::default());
    let router = router(Admin::new(TOKEN).breaker(breaker.clone()));
    let config = "/breakers/metadata/config";
    for (body, path, says) in [
        (json!({"failure_rate": 1.4}), "failure_rate", "at most 1"),
        (
            json!({"failure_rat": 0.4}),
            "failure_rat",
            "expected one of",
        ),
        (
            json!({"slow_calls": {"threshold": "soon", "rate": 0.5}}),
            "slow_calls.threshold",
            "like `500ms`",
        ),
        (
            json!({"slow_calls": {"threshold": "1s", "rate": 5.0}}),
            "slow_calls.rate",
            "at most 1",
        ),
        (json!({"window_calls": 0}), "window_calls", "at least 1"),
        (json!({"window_time": "0s"}), "window_time", "more than 0 s"),
        (
            json!({"window_calls": 50, "window_time": "5s"}),
            "window_calls",
            "one of the two",
        ),
        (
            json!({"window_calls": 10}),
            "minimum_calls",
            "at most the 10",
        ),
        (json!({"enabled": false}), "enabled", "by its mode"),
        (json!([]), ".", "a JSON object"),
    ] {
        let (at, message) = mistake(&router, Method::PUT, config, &body.to_string()).await;
        assert_eq!(at, path, "{message}");
        assert!(message.contains(says), "{message}");
    }
    let mode = "/breakers/metadata/mode";
    for (body, path, says) in [
        (r#"{"mode": "opened"}"#, "mode", "forced-open"),
        ("{}", ".", "missing field `mode`"),
        (r#"{"mode": "disabled"} and more"#, ".", "trailing"),
        ("", ".", "a JSON object"),
        ("{\u{fe}}", ".", "key must be a string"),
        ("[\"disabled\"]", ".", "a JSON object"),
    ] {
        let (at, message) = mistake(&router, Method::PUT, mode, body).await;
        assert_eq!(at, path, "{message}");
        assert!(message.contains(says), "{message}");
    }
    assert_eq!(breaker.mode(), Mode::Automatic);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_said_so() {
    let telemetry = Telemetry::default();
    let router = router(Admin::new(TOKEN).breaker(breaker("metadata", &telemetry)));
    for (method, path, status, code) in [
        (Method::GET, "/breakers/playback", 404, "unknown"),
        (Method::PUT, "/breakers/playback/mode", 404, "unknown"),
        (Method::POST, "/faults/metadata", 404, "unknown"),
        (Method::GET, "/events", 404, "unknown"),
        (Method::GET, "/nowhere", 404, "no-route"),
        (Method::DELETE, "/breakers", 405, "method"),
    ] {
        let (answered, content) = send(&router, method, path, "{}").await;
        assert_eq!(answered.as_u16(), status, "{path}");
        assert_eq!(content["error"]["code"], code, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_long_is_refused() {
    let breaker = breaker("metadata", &Telemetry::default());
    let router = router(Admin::new(TOKEN).breaker(breaker.clone()));
    let mode = r#"{"mode": "disabled"}"#;
    let path = "/breakers/metadata/mode";
    let long = format!("{mode}{}", " ".repeat(BODY_LIMIT));
    let (status, content) = send(&router, Method::PUT, path, &long).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{content}");
    assert_eq!(breaker.mode(), Mode::Automatic);
    let fits = format!("{mode}{}", " ".repeat(BODY_LIMIT - mode.len()));
    let (status, _) = send(&router, Method::PUT, path, &fits).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn breakers_of_keys_are_found_by_their_names() {
    let telemetry = Telemetry::default();
    let known = [
        breaker("metadata/r0", &telemetry),
        breaker("metadata/r1", &telemetry),
    ];
    let keyed = known.clone();
    let router = router(Admin::new(TOKEN).breakers(move || keyed.to_vec()));
    let path = "/breakers/metadata%2Fr1/mode";
    let (status, _) = send(&router, Method::PUT, path, r#"{"mode": "disabled"}"#).await;
    assert_eq!(status, StatusCode::OK);
    let modes = known.map(|breaker| breaker.mode());
    assert_eq!(modes, [Mode::Automatic, Mode::Disabled]);
    assert_eq!(get(&router, "/breakers").await.as_array().unwrap().len(), 2);
}

/// Breakers of hosts, of which `bad` is open and `good` closed.
async fn of_hosts() -> KeyedBreakers {
    let layer = KeyedCircuitBreakerLayer::builder("cdn", |host: &&'static str| (*host).to_owned())
        .config(CircuitBreakerConfig::new().consecutive_failures(1))
        .maximum_keys(7)
        .build()
        .unwrap();
    let cdn = layer.layer(service_fn(async |host: &'static str| {
        let mut answer = Response::new(());
        if host != "good" {
            *answer.status_mut() = StatusCode::BAD_GATEWAY;
        }
        Ok::<_, BoxError>(answer)
    }));
    for host in ["bad", "good"] {
        cdn.clone().oneshot(host).await.unwrap();
    }
    layer.breakers()
}

#[tokio::test(start_paused = true)]
async fn breakers_of_all_keys_are_listed_steered_and_reconfigured_at_once() {
    let breakers = of_hosts().await;
    let router = router(Admin::new(TOKEN).keyed_breakers(breakers.clone()));
    let listed = json!({"name": "cdn", "breakers": 2, "not_closed": 1, "maximum_keys": 7});
    assert_eq!(get(&router, "/keyed-breakers").await, json!([listed]));
    assert_eq!(get(&router, "/").await["keyed_breakers"], json!([listed]));
    let states = get(&router, "/breakers").await;
    assert_eq!(states[0]["name"], "cdn/bad");
    assert_eq!(states[0]["state"], "open");
    assert_eq!(
        get(&router, "/breakers/cdn%2Fgood").await["state"],
        "closed"
    );

    let config = "/keyed-breakers/cdn/config";
    let rules = json!({"failure_rate": 0.9, "consecutive_failures": 3, "stalled_after": "none"});
    let (status, content) = send(&router, Method::PUT, config, &rules.to_string()).await;
    assert_eq!((status, content), (StatusCode::OK, listed));
    assert_eq!(breakers.handle("bad").unwrap().state(), State::Open);
    let good = breakers.handle("good").unwrap();
    for expected in [State::Closed, State::Closed, State::Open] {
        good.admit().unwrap().end(Outcome::Failure);
        assert_eq!(good.state(), expected);
    }

    for (body, path, says) in [
        (json!({"failure_rate": 1.4}), "failure_rate", "at most 1"),
        (
            json!({"stalled_after": "0s"}),
            "stalled_after",
            "more than 0 s",
        ),
        (json!({"stalled_after": 5}), "stalled_after", "or `none`"),
        (json!({"enabled": true}), "enabled", "by its mode"),
        (
            json!({"maximum_keys": 9}),
            "maximum_keys",
            "expected one of",
        ),
    ] {
        let (at, message) = mistake(&router, Method::PUT, config, &body.to_string()).await;
        assert_eq!(at, path, "{message}");
        assert!(message.contains(says), "{message}");
    }
    let (status, content) = send(&router, Method::PUT, "/keyed-breakers/dns/config", "{}").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(content["error"]["code"], "unknown");
}

#[tokio::test(start_paused = true)]
async fn faults_are_injected_renewed_and_lifted_and_end_by_themselves() {
    let faults = Faults::builder("metadata").build();
    let router = router(Admin::new(TOKEN).faults(&faults).faults(&faults.clone()));
    let spec = json!({
        "fault": {"kind": "status", "status": 503},
        "match": {"path_prefix": "/titles"},
        "percentage": 25.0,
        "lease_ms": 30_000,
    });
    let inject = async || {
        let (status, content) =
            send(&router, Method::POST, "/faults/metadata", &spec.to_string()).await;
        assert_eq!(status, StatusCode::CREATED, "{content}");
        content["id"].as_u64().unwrap()
    };
    let (first, second) = (inject().await, inject().await);
    let listed = get(&router, "/faults").await;
    assert_eq!(listed[0]["name"], "metadata");
    assert_eq!(listed[0]["active"][0]["id"], first);
    assert_eq!(listed[0]["active"][1]["left_ms"], 30_000);

    tokio::time::advance(Duration::from_secs(20)).await;
    let path = |id: u64| format!("/faults/metadata/{id}");
    let renewal = r#"{"lease_ms": 30000}"#;
    let (status, _) = send(&router, Method::PUT, &path(first), renewal).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    tokio::time::advance(Duration::from_secs(20)).await;
    let ids: Vec<u64> = faults.list().iter().map(|fault| fault.id.0).collect();
    assert_eq!(ids, [first], "the lease of the other has ended");
    for (method, body) in [(Method::PUT, renewal), (Method::DELETE, "")] {
        let (status, content) = send(&router, method, &path(second), body).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(content["error"]["code"], "unknown");
    }
    let (status, _) = send(&router, Method::DELETE, &path(first), "").await;
    assert_eq!((status, faults.list()), (StatusCode::NO_CONTENT, vec![]));
    inject().await;
    let (status, _) = send(&router, Method::DELETE, "/faults/metadata", "").await;
    assert_eq!((status, faults.list()), (StatusCode::NO_CONTENT, vec![]));

    for (key, value, says) in [
        ("lease_ms", json!(0), "lease_ms"),
        ("percentage", json!(101.0), "percentage"),
        ("fault", json!({"kind": "explode"}), "explode"),
        ("surprise", json!(1), "surprise"),
    ] {
        let mut wrong = spec.clone();
        wrong[key] = value;
        let (at, message) = mistake(
            &router,
            Method::POST,
            "/faults/metadata",
            &wrong.to_string(),
        )
        .await;
        assert!(at.starts_with(key), "{at}: {message}");
        assert!(message.contains(says), "{message}");
    }
    let (status, _) = send(&router, Method::DELETE, "/faults/metadata/first", "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

/// A stream of events.
async fn events(router: &Router, path: &str) -> Body {
    let request = request(Method::GET, path, Some(TOKEN), "");
    let response = router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response.into_body()
}

async fn message(stream: &mut Body) -> String {
    let frame = stream.frame().await.unwrap().unwrap();
    String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_transition_is_told_as_it_happens() {
    let telemetry = Telemetry::default();
    let breaker = breaker("metadata", &telemetry);
    let router = router(
        Admin::new(TOKEN)
            .breaker(breaker.clone())
            .telemetry(&telemetry),
    );
    let mut news = events(&router, "/events").await;
    let mut all = events(&router, "/events?calls=true").await;
    let rejected = Event::Rejected {
        name: "metadata".to_owned(),
        by: "bulkhead".to_owned(),
        reason: "full".to_owned(),
    };
    telemetry.emit(rejected);
    breaker.force_open();
    let transition = message(&mut news).await;
    assert!(
        transition.contains("event: breakerTransition\n"),
        "{transition}"
    );
    assert!(transition.contains(r#""to":"open""#), "{transition}");
    assert!(
        transition.contains(r#""reason":"forced-open""#),
        "{transition}"
    );
    assert!(message(&mut all).await.contains("event: rejected\n"));
    assert!(message(&mut all).await.contains("breakerTransition"));
    // Nothing happens for a while: a comment keeps the connection alive.
    assert_eq!(message(&mut news).await.trim(), ":");

    let (status, _) = send(&router, Method::GET, "/events?call=true", "").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test(start_paused = true)]
async fn whoever_cannot_keep_up_is_told_what_was_missed() {
    let telemetry = Telemetry::default();
    let router = router(Admin::new(TOKEN).telemetry(&telemetry));
    let mut slow = events(&router, "/events").await;
    let server = "gateway".to_owned();
    for _ in 0..1_024 + 76 {
        let server = server.clone();
        telemetry.emit(Event::Panicked { server });
    }
    let lagged = message(&mut slow).await;
    assert!(lagged.contains("event: lagged\n"), "{lagged}");
    assert!(lagged.contains(r#""missed":76"#), "{lagged}");
    assert!(message(&mut slow).await.contains("event: panicked\n"));
}

#[tokio::test(start_paused = true)]
async fn streams_are_bounded_and_a_closed_one_makes_room() {
    let router = router(Admin::new(TOKEN).telemetry(&Telemetry::default()));
    let mut open = Vec::new();
    for _ in 0..MAXIMUM_STREAMS {
        open.push(events(&router, "/events").await);
    }
    let (status, content) = send(&router, Method::GET, "/events", "").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(content["error"]["code"], "too-many");
    open.pop();
    let _ = events(&router, "/events").await;
}

fn refusal(admin: Admin) -> ConfigError {
    admin.router::<()>().unwrap_err()
}

#[tokio::test]
async fn what_cannot_be_is_said_before_anything_is_served() {
    assert_eq!(refusal(Admin::new("short")).key(), "token");
    let telemetry = Telemetry::default();
    let twice = Admin::new(TOKEN)
        .breaker(breaker("metadata", &telemetry))
        .breaker(breaker("metadata", &telemetry));
    assert_eq!(
        refusal(twice).to_string(),
        "`breaker` of the admin is `metadata` twice: expected a name of its own for each that is registered"
    );
    let keyed = of_hosts().await;
    let twice = Admin::new(TOKEN)
        .keyed_breakers(keyed.clone())
        .keyed_breakers(keyed);
    assert_eq!(refusal(twice).key(), "keyed breakers");
    let faults = || Faults::builder("metadata").build();
    let twice = Admin::new(TOKEN).faults(&faults()).faults(&faults());
    assert_eq!(refusal(twice).key(), "faults");
}

#[tokio::test]
async fn the_token_stands_in_no_debug_text() {
    let admin = Admin::new(TOKEN).breaker(breaker("metadata", &Telemetry::default()));
    assert!(!format!("{admin:?}").contains(TOKEN));
}
