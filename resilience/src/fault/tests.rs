//! Faults around a scripted service, in paused time.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use proptest::prelude::*;
use std::time::Duration;
use tokio::time::{Instant, advance};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::*;
use crate::BoxError;
use crate::telemetry::{Event, Telemetry, names};

const LEASE: Duration = Duration::from_secs(30);
const ALMOST: Duration = Duration::from_millis(29_999);
const CONTENT: &[u8] = &[7; 1_000];

fn request() -> Request<()> {
    Request::get("/titles/7").body(()).unwrap()
}

/// Status and content of the answer to one request.
async fn send(faults: &Faults, request: Request<()>) -> (StatusCode, Result<Bytes, BoxError>) {
    let service = service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(CONTENT))))
    });
    let service = FaultLayer::new(faults.clone()).layer(service);
    let Ok(response) = service.oneshot(request).await;
    let status = response.status();
    let content = response.into_body().collect().await;
    (status, content.map(http_body_util::Collected::to_bytes))
}

fn with(fault: FaultKind) -> Faults {
    let faults = Faults::builder("metadata").build();
    faults.inject(FaultSpec::new(fault, LEASE)).unwrap();
    faults
}

async fn is_whole(faults: &Faults, request: Request<()>) -> bool {
    let (status, content) = send(faults, request).await;
    status == StatusCode::OK && content.is_ok_and(|content| content == CONTENT)
}

#[tokio::test(start_paused = true)]
async fn without_faults_answers_are_whole() {
    assert!(is_whole(&Faults::builder("metadata").build(), request()).await);
}

#[tokio::test(start_paused = true)]
async fn a_delay_delays() {
    let delay = Delay::fixed(Duration::from_millis(200));
    let faults = with(FaultKind::Delay { delay });
    let begun = Instant::now();
    assert!(is_whole(&faults, request()).await);
    assert_eq!(begun.elapsed(), Duration::from_millis(200));
}

#[tokio::test(start_paused = true)]
async fn a_status_stands_for_the_answer() {
    let (status, content) = send(&with(FaultKind::Status { status: 503 }), request()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(content.unwrap(), Bytes::new());
}

#[tokio::test(start_paused = true)]
async fn an_abort_breaks_off_after_the_head() {
    let (_, content) = send(&with(FaultKind::Abort), request()).await;
    assert!(content.unwrap_err().is::<InjectedAbort>());
}

#[tokio::test(start_paused = true)]
async fn a_reset_breaks_off_in_mid_body() {
    let faults = with(FaultKind::ResetBody { after_bytes: 10 });
    let service = service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(CONTENT))))
    });
    let Ok(response) = FaultLayer::new(faults.clone())
        .layer(service)
        .oneshot(request())
        .await;
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first.len(), 10);
    let error = body.frame().await.unwrap().unwrap_err();
    assert!(error.is::<InjectedAbort>());
}

#[tokio::test(start_paused = true)]
async fn a_throttled_body_takes_its_time_and_is_whole() {
    let faults = with(FaultKind::Throttle {
        bytes_per_second: 500,
    });
    let begun = Instant::now();
    assert!(is_whole(&faults, request()).await);
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_millis(1_900) && took < Duration::from_millis(2_100),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_fault_ends_with_its_lease_and_lives_on_when_it_is_renewed() {
    let telemetry = Telemetry::default();
    let mut events = telemetry.subscribe();
    let faults = Faults::builder("metadata")
        .telemetry(telemetry.clone())
        .build();
    let spec = FaultSpec::new(FaultKind::Abort, LEASE);
    let id = faults.inject(spec).unwrap();
    advance(ALMOST).await;
    assert!(!is_whole(&faults, request()).await);
    faults.renew(id, LEASE).unwrap();
    advance(ALMOST).await;
    assert!(!is_whole(&faults, request()).await);
    assert_eq!(faults.list()[0].hits, 2);
    advance(Duration::from_millis(1)).await;
    assert!(is_whole(&faults, request()).await);
    assert_eq!(faults.list(), []);
    assert_eq!(faults.renew(id, LEASE), Err(FaultError::Unknown(id)));
    assert_eq!(faults.lift(id), Err(FaultError::Unknown(id)));

    let labels = ["metadata", "abort"];
    assert_eq!(
        telemetry.counter(&names::FAULTS_INJECTED, &labels).value(),
        2
    );
    assert!(matches!(events.try_recv(), Ok(Event::FaultBegan { .. })));
    let Ok(Event::FaultEnded { reason, .. }) = events.try_recv() else {
        panic!("nobody said that it ended");
    };
    assert_eq!(reason, "lease");
}

#[tokio::test(start_paused = true)]
async fn a_lifted_fault_is_gone_at_once() {
    let faults = with(FaultKind::Abort);
    faults.lift(faults.list()[0].id).unwrap();
    assert!(is_whole(&faults, request()).await);
    for _ in 0..3 {
        faults
            .inject(FaultSpec::new(FaultKind::Abort, LEASE))
            .unwrap();
    }
    faults.lift_all();
    assert!(is_whole(&faults, request()).await);
}

#[tokio::test(start_paused = true)]
async fn a_delay_that_has_begun_ends_with_its_fault() {
    let hour = || FaultKind::Delay {
        delay: Delay::fixed(Duration::from_secs(3_600)),
    };
    let begun = Instant::now();
    assert!(is_whole(&with(hour()), request()).await);
    assert_eq!(begun.elapsed(), LEASE);

    let faults = with(hour());
    let id = faults.list()[0].id;
    let begun = Instant::now();
    let later = async {
        advance(ALMOST).await;
        faults.renew(id, LEASE).unwrap();
        advance(ALMOST).await;
        faults.lift(id).unwrap();
    };
    let (is_whole, ()) = tokio::join!(is_whole(&faults, request()), later);
    assert!(is_whole);
    assert_eq!(begun.elapsed(), ALMOST * 2);
}

#[tokio::test(start_paused = true)]
async fn a_status_behind_a_delay_ends_with_its_own_fault() {
    let delay = Delay::fixed(LEASE / 2);
    let faults = with(FaultKind::Delay { delay });
    let short = FaultSpec::new(FaultKind::Status { status: 503 }, LEASE / 4);
    faults.inject(short).unwrap();
    assert!(is_whole(&faults, request()).await);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_slowly_comes_at_once_when_the_fault_is_lifted() {
    let faults = with(FaultKind::Throttle {
        bytes_per_second: 500,
    });
    let begun = Instant::now();
    let lift = async {
        tokio::time::sleep(Duration::from_millis(1_000)).await;
        faults.lift_all();
    };
    let (is_whole, ()) = tokio::join!(is_whole(&faults, request()), lift);
    assert!(is_whole);
    assert_eq!(begun.elapsed(), Duration::from_millis(1_000));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_lease_is_noticed_where_no_request_comes() {
    let telemetry = Telemetry::default();
    let mut events = telemetry.subscribe();
    let faults = Faults::builder("metadata")
        .telemetry(telemetry.clone())
        .build();
    let spec = || FaultSpec::new(FaultKind::Abort, LEASE);
    let (first, _) = (faults.inject(spec()), faults.inject(spec()));
    let active = telemetry.gauge(&names::FAULTS_ACTIVE, &["metadata"]);
    tokio::time::sleep(ALMOST).await;
    faults.renew(first.unwrap(), LEASE).unwrap();
    assert_eq!(active.value(), 2);
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert_eq!(active.value(), 1);
    tokio::time::sleep(LEASE).await;
    assert_eq!(active.value(), 0);
    let mut ended = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let Event::FaultEnded { id, reason, .. } = event {
            ended.push((id, reason));
        }
    }
    let lease = || "lease".to_owned();
    assert_eq!(ended, [(2, lease()), (1, lease())]);
}

#[tokio::test(start_paused = true)]
async fn a_prefix_is_one_of_whole_segments() {
    let meets = async |prefix: &str, path: &str| {
        let faults = Faults::builder("metadata").build();
        let meant = Matching::default().path_prefix(prefix);
        let spec = FaultSpec::new(FaultKind::Abort, LEASE).matching(meant);
        faults.inject(spec).unwrap();
        !is_whole(&faults, Request::get(path).body(()).unwrap()).await
    };
    for (prefix, path, is_met) in [
        ("/titles", "/titles", true),
        ("/titles", "/titles/7", true),
        ("/titles", "/titles?of=7", true),
        ("/titles", "/titles-old", false),
        ("/titles/", "/titles/7", true),
        ("/titles/", "/titles", false),
        ("/", "/rows", true),
    ] {
        assert_eq!(meets(prefix, path).await, is_met, "{prefix} and {path}");
    }
}

#[cfg(feature = "axum")]
#[tokio::test(start_paused = true)]
async fn a_route_is_that_of_the_router() {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;

    let faults = Faults::builder("metadata").build();
    let meant = Matching::default().route("/titles/{id}");
    let spec = FaultSpec::new(FaultKind::Status { status: 503 }, LEASE).matching(meant);
    faults.inject(spec).unwrap();
    let router = Router::new()
        .route("/titles/{id}", get(async || ()))
        .route("/titles/new", get(async || ()))
        .layer(FaultLayer::new(faults));
    for (path, status) in [("/titles/7", 503), ("/titles/new", 200)] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_those_are_met_that_are_meant() {
    let faults = Faults::builder("metadata").build();
    let meant = Matching::default()
        .path_prefix("/titles")
        .method("GET")
        .header("x-user", "7")
        .caller("gateway");
    let spec = FaultSpec::new(FaultKind::Abort, LEASE).matching(meant);
    faults.inject(spec).unwrap();
    let request = |method: &str, path: &str, user: &str, caller: &str| {
        let request = Request::builder().method(method).uri(path);
        let request = request
            .header("x-user", user)
            .header("aplomb-caller", caller);
        request.body(()).unwrap()
    };
    assert!(!is_whole(&faults, request("GET", "/titles/7", "7", "gateway")).await);
    for other in [
        request("PUT", "/titles/7", "7", "gateway"),
        request("GET", "/rows", "7", "gateway"),
        request("GET", "/titles/7", "8", "gateway"),
        request("GET", "/titles/7", "7", "playback"),
        self::request(),
    ] {
        assert!(is_whole(&faults, other).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_percentage_is_drawn_and_can_be_replayed() {
    let run = async |seed| {
        let faults = Faults::builder("metadata").seed(seed).build();
        let spec = FaultSpec::new(FaultKind::Status { status: 500 }, LEASE).percentage(25.0);
        faults.inject(spec).unwrap();
        let mut met = Vec::new();
        for _ in 0..1_000 {
            met.push(!is_whole(&faults, request()).await);
        }
        met
    };
    let met = run(1).await;
    let count = met.iter().filter(|met| **met).count();
    assert!((200..=300).contains(&count), "{count}");
    assert_eq!(run(1).await, met);
    assert_ne!(run(2).await, met);
}

#[test]
fn there_are_never_too_many() {
    let faults = Faults::builder("metadata").build();
    let spec = || FaultSpec::new(FaultKind::Abort, LEASE);
    let injected = (0..1_000).filter(|_| faults.inject(spec()).is_ok()).count();
    assert_eq!((injected, faults.list().len()), (64, 64));
}

#[test]
fn mistakes_are_named_with_what_would_be_right() {
    let spec = || FaultSpec::new(FaultKind::Abort, LEASE);
    let status = FaultKind::Status { status: 200 };
    let frozen = FaultKind::Throttle {
        bytes_per_second: 0,
    };
    for (mistake, key) in [
        (FaultSpec::new(status, LEASE), "fault.status"),
        (FaultSpec::new(frozen, LEASE), "fault.bytes_per_second"),
        (spec().percentage(0.0), "percentage"),
        (spec().percentage(f64::NAN), "percentage"),
        (FaultSpec::new(FaultKind::Abort, Duration::ZERO), "lease_ms"),
        (FaultSpec::new(FaultKind::Abort, Duration::MAX), "lease_ms"),
        (
            spec().matching(Matching::default().path_prefix("titles")),
            "match.path_prefix",
        ),
        #[cfg(feature = "axum")]
        (
            spec().matching(Matching::default().route("titles")),
            "match.route",
        ),
        (
            spec().matching(Matching::default().method("get")),
            "match.method",
        ),
        (
            spec().matching(Matching::default().header("X-User", "7")),
            "match.headers",
        ),
    ] {
        let Err(FaultError::Value { key: named, .. }) = mistake.check() else {
            panic!("{mistake:?} is accepted");
        };
        assert_eq!(named, key);
    }
}

#[test]
fn a_fault_is_the_same_after_a_round_through_json() {
    let delay = Delay::LogNormal {
        median_ms: 100.0,
        sigma: 0.5,
    };
    let spec = FaultSpec::new(FaultKind::Delay { delay }, LEASE)
        .matching(Matching::default().caller("gateway"))
        .percentage(12.5);
    let text = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<FaultSpec>(&text).unwrap(), spec);
    let unknown = r#"{"fault": {"kind": "abort"}, "lease_ms": 5, "percent": 5}"#;
    let error = serde_json::from_str::<FaultSpec>(unknown).unwrap_err();
    assert!(
        error.to_string().contains("unknown field `percent`"),
        "{error}"
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in "[ -~]{0,200}") {
        if let Ok(spec) = serde_json::from_str::<FaultSpec>(&text) {
            let _ = spec.check();
        }
    }
}
