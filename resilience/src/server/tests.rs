use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::MatchedPath;
use axum::routing::{get, put};
use axum::{Router, extract::Request};
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use tokio::time::Instant;
use tower::ServiceExt;

use super::{ServerBuilder, server};
use crate::concurrency::AdaptiveLimit;
use crate::context::{CallContext, Priority, TraceContext};
use crate::fault::{Delay, FaultKind, FaultSpec, Faults};
use crate::ledger::{Degradation, Reason};
use crate::rate_limit::RateLimiter;
use crate::telemetry::{Event, Telemetry, names};

fn degradation() -> Degradation {
    Degradation {
        dependency: "recommendations".to_owned(),
        reason: Reason::Open,
        stood_in: "popular".to_owned(),
        weight: 0.3,
        age: None,
    }
}

fn router(server: ServerBuilder, finished: &Arc<AtomicU32>) -> Router {
    let slow = {
        let finished = Arc::clone(finished);
        move || async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            finished.fetch_add(1, Ordering::SeqCst);
            "done"
        }
    };
    Router::new()
        .route(
            "/echo",
            get(|headers: HeaderMap| async move { format!("{headers:?}") }),
        )
        .route(
            "/left",
            get(|| async {
                let left = CallContext::current().unwrap().remaining();
                format!("{left:?}")
            }),
        )
        .route(
            "/degraded",
            get(|| async {
                CallContext::current().unwrap().degrade(degradation());
                "popular rows"
            }),
        )
        .route(
            "/in-vain",
            get(|| async {
                let context = CallContext::current().unwrap();
                context.mark_not_retryable();
                context.degrade(degradation());
                StatusCode::BAD_GATEWAY
            }),
        )
        .route(
            "/trace",
            get(|| async { CallContext::current().unwrap().trace().to_string() }),
        )
        .route("/panic", get(panics).merge(put(panics)))
        .route("/slow", get(slow.clone()).merge(put(slow)))
        .route("/livez", get(|| async { "alive" }))
        .layer(server.build().unwrap())
}

async fn panics() -> &'static str {
    assert!(CallContext::current().is_none(), "on purpose");
    "not reached"
}

fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

async fn call(router: &Router, request: Request) -> (Response<()>, String) {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 100_000).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    (Response::from_parts(parts, ()), body)
}

fn new(server: ServerBuilder) -> (Router, Arc<AtomicU32>) {
    let finished = Arc::default();
    (router(server, &finished), finished)
}

const FORGED: [(&str, &str); 5] = [
    ("aplomb-deadline-ms", "1"),
    ("aplomb-priority", "critical"),
    ("aplomb-no-retry", "1"),
    ("aplomb-of-a-later-version", "1"),
    ("degradation", "everything;weight=1"),
];

#[tokio::test]
async fn the_edge_strips_what_strangers_may_not_say() {
    let (edge, _) = new(server("gateway").edge());
    let (_, seen) = call(&edge, request("GET", "/echo", &FORGED)).await;
    assert!(!seen.contains("aplomb"), "{seen}");
    assert!(!seen.contains("degradation"), "{seen}");
    let (internal, _) = new(server("metadata").internal());
    let (_, seen) = call(&internal, request("GET", "/echo", &FORGED[1..])).await;
    assert!(seen.contains("critical"), "{seen}");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_taken_from_inside_and_bounded_by_the_default() {
    let (internal, _) = new(server("metadata")
        .internal()
        .default_deadline(Duration::from_millis(500)));
    let left = async |sent: &str| {
        let request = request("GET", "/left", &[("aplomb-deadline-ms", sent)]);
        call(&internal, request).await.1
    };
    assert_eq!(left("120").await, "Some(120ms)");
    assert_eq!(left("9000").await, "Some(500ms)");
    assert_eq!(left("soon").await, "Some(500ms)");
    let (reserving, _) = new(server("metadata")
        .internal()
        .reserve(Duration::from_millis(20)));
    let sent = request("GET", "/left", &[("aplomb-deadline-ms", "120")]);
    assert_eq!(call(&reserving, sent).await.1, "Some(100ms)");
    let (edge, _) = new(server("gateway").edge());
    let forged = request("GET", "/left", &FORGED);
    assert_eq!(call(&edge, forged).await.1, "None");
}

#[tokio::test]
async fn the_ledger_becomes_a_header_and_a_failure_has_none() {
    let (router, _) = new(server("gateway"));
    let (response, _) = call(&router, request("GET", "/degraded", &[])).await;
    assert_eq!(
        response.headers()["degradation"],
        "recommendations;reason=open;stood-in=popular;weight=0.3"
    );
    let (response, _) = call(&router, request("GET", "/in-vain", &[])).await;
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(response.headers()["aplomb-no-retry"], "1");
    assert!(!response.headers().contains_key("degradation"));
}

#[tokio::test]
async fn a_panic_is_a_500() {
    let (router, _) = new(server("gateway"));
    let (response, body) = call(&router, request("GET", "/panic", &[])).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(body.contains("internal") && !body.contains("on purpose"));
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_time_is_up_is_refused_before_work() {
    let (router, finished) = new(server("metadata").internal());
    let late = request("PUT", "/slow", &[("aplomb-deadline-ms", "0")]);
    let (response, _) = call(&router, late).await;
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(finished.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn expiry_drops_reads_and_lets_writes_run_to_their_end() {
    for (method, expected) in [("GET", 0), ("PUT", 1)] {
        let (router, finished) = new(server("metadata").internal());
        let short = request(method, "/slow", &[("aplomb-deadline-ms", "50")]);
        let (response, _) = call(&router, short).await;
        assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(finished.load(Ordering::SeqCst), expected, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_outlives_its_connection_and_a_read_does_not() {
    for (method, expected) in [("GET", 0), ("PUT", 1)] {
        let (router, finished) = new(server("metadata").internal());
        let gone = router.oneshot(request(method, "/slow", &[]));
        let patience = Duration::from_millis(10);
        assert!(tokio::time::timeout(patience, gone).await.is_err());
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(finished.load(Ordering::SeqCst), expected, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_refused_and_health_is_never() {
    let (router, _) = new(server("metadata")
        .max_in_flight(1)
        .queue(0, Duration::from_millis(10)));
    let working = tokio::spawn(router.clone().oneshot(request("GET", "/slow", &[])));
    tokio::time::sleep(Duration::from_millis(1)).await;
    let (refused, _) = call(&router, request("GET", "/slow", &[])).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "1");
    let (health, _) = call(&router, request("GET", "/livez", &[])).await;
    assert_eq!(health.status(), StatusCode::OK);
    assert_eq!(working.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn what_is_late_when_its_turn_comes_is_not_begun() {
    let (router, finished) = new(server("metadata")
        .internal()
        .max_in_flight(1)
        .queue(8, Duration::from_secs(1)));
    let working = tokio::spawn(router.clone().oneshot(request("GET", "/slow", &[])));
    tokio::time::sleep(Duration::from_millis(1)).await;
    let begun = Instant::now();
    let short = request("PUT", "/slow", &[("aplomb-deadline-ms", "50")]);
    let (response, _) = call(&router, short).await;
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(begun.elapsed(), Duration::from_millis(50));
    assert_eq!(working.await.unwrap().unwrap().status(), StatusCode::OK);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(finished.load(Ordering::SeqCst), 1, "only the read ran");
}

#[tokio::test(start_paused = true)]
async fn a_write_keeps_its_place_beyond_its_deadline() {
    let (router, _) = new(server("metadata")
        .internal()
        .max_in_flight(1)
        .queue(0, Duration::ZERO));
    let short = request("PUT", "/slow", &[("aplomb-deadline-ms", "50")]);
    let (response, _) = call(&router, short).await;
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    let (refused, _) = call(&router, request("GET", "/echo", &[])).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (served, _) = call(&router, request("GET", "/echo", &[])).await;
    assert_eq!(served.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn health_is_answered_even_when_its_caller_claims_to_be_late() {
    let (router, _) = new(server("metadata").internal());
    let late = request("GET", "/livez", &[("aplomb-deadline-ms", "0")]);
    assert_eq!(call(&router, late).await.0.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn everything_is_counted_refusals_and_panics_included() {
    let telemetry = Telemetry::default();
    let mut events = telemetry.subscribe();
    let label = |parts: &Parts| {
        let path = parts.extensions.get::<MatchedPath>();
        path.map_or("none", MatchedPath::as_str).to_owned()
    };
    let (router, _) = new(server("metadata")
        .internal()
        .telemetry(telemetry.clone())
        .route_label(label));
    for request in [
        request("GET", "/echo", &[]),
        request("GET", "/degraded", &[]),
        request("GET", "/panic", &[]),
        request("PUT", "/panic", &[]),
        request("GET", "/echo", &[("aplomb-deadline-ms", "0")]),
        request("GET", "/nowhere", &[]),
    ] {
        call(&router, request).await;
    }
    let requests = |route, status| {
        let labels = ["metadata", route, status];
        telemetry.counter(&names::SERVER_REQUESTS, &labels).value()
    };
    assert_eq!(requests("/echo", "200"), 1);
    assert_eq!(requests("/echo", "504"), 1);
    assert_eq!(requests("/panic", "500"), 2, "a read and a write");
    assert_eq!(requests("none", "404"), 1);
    let count = |definition, labels: &[&str]| telemetry.counter(definition, labels).value();
    assert_eq!(count(&names::SERVER_DEGRADED, &["metadata"]), 1);
    assert_eq!(count(&names::SERVER_PANICS, &["metadata"]), 2);
    assert_eq!(count(&names::SERVER_REJECTED, &["metadata", "deadline"]), 1);
    let in_flight = telemetry.gauge(&names::SERVER_IN_FLIGHT, &["metadata"]);
    assert_eq!(in_flight.value(), 0);
    let panicked = Event::Panicked {
        server: "metadata".to_owned(),
    };
    assert_eq!(events.try_recv().unwrap(), panicked);
}

#[tokio::test]
async fn a_trace_goes_on_and_a_broken_one_begins_anew() {
    let (router, _) = new(server("gateway").edge());
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let (_, trace) = call(
        &router,
        request("GET", "/trace", &[("traceparent", parent)]),
    )
    .await;
    assert!(trace.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
    assert!(trace.ends_with("-01") && trace != parent, "{trace}");
    let broken = request("GET", "/trace", &[("traceparent", "00-not-a-trace")]);
    let (_, trace) = call(&router, broken).await;
    assert!(trace.parse::<TraceContext>().is_ok(), "{trace}");
}

#[tokio::test]
async fn switched_off_it_leaves_everything_as_it_is() {
    let (router, _) = new(server("gateway").enabled(false));
    let (_, seen) = call(&router, request("GET", "/echo", &FORGED)).await;
    assert!(seen.contains("aplomb-priority"), "{seen}");
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_too_often_is_told_when_to_come_back_and_health_is_never_limited() {
    let limiter = RateLimiter::builder("callers")
        .quota(2, Duration::from_secs(4))
        .build()
        .unwrap();
    let (server, _) = new(server("gateway").rate_limit(limiter));
    for left in ["1", "0"] {
        let (answer, _) = call(&server, request("GET", "/echo", &[])).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let limit = answer.headers()["ratelimit"].to_str().unwrap();
        assert!(limit.contains(&format!("r={left}")), "{limit}");
    }
    let (refused, body) = call(&server, request("GET", "/echo", &[])).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "2");
    assert!(body.contains("rate-limited"), "{body}");
    for _ in 0..10 {
        let (health, _) = call(&server, request("GET", "/livez", &[])).await;
        assert_eq!(health.status(), StatusCode::OK);
    }
    tokio::time::advance(Duration::from_secs(2)).await;
    let (answer, _) = call(&server, request("GET", "/echo", &[])).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn under_overload_what_matters_least_gives_way_first() {
    let registry = prometheus::Registry::new();
    let telemetry = Telemetry::new(&registry).unwrap();
    let overloaded = server("playback")
        .internal()
        .max_in_flight(1)
        .queue(1, Duration::from_secs(1))
        .telemetry(telemetry.clone());
    let (server, _) = new(overloaded);
    let ask = |priority: &'static str| {
        let server = server.clone();
        async move {
            let headers = [("aplomb-priority", priority)];
            let (answer, _) = call(&server, request("GET", "/slow", &headers)).await;
            (
                answer.status(),
                answer.headers().get("retry-after").cloned(),
            )
        }
    };
    let (first, prefetch, playback, health) = tokio::join!(
        ask("default"),
        ask("sheddable"),
        ask("critical"),
        call(&server, request("GET", "/livez", &[])),
    );
    assert_eq!(first.0, StatusCode::OK);
    assert_eq!(prefetch.0, StatusCode::SERVICE_UNAVAILABLE);
    assert!(prefetch.1.is_some(), "it says when to come back");
    assert_eq!(playback.0, StatusCode::OK);
    assert_eq!(health.0.status(), StatusCode::OK);
    let shed = |priority| {
        let labels = ["playback", priority];
        telemetry.counter(&names::SERVER_SHED, &labels).value()
    };
    assert_eq!((shed("sheddable"), shed("critical")), (1, 0));
}

#[test]
fn numbers_that_cannot_be_are_told() {
    let mistake = |builder: ServerBuilder| {
        let error = builder.build().map(drop).unwrap_err();
        error.key().to_owned()
    };
    assert!(server("x").build().is_ok());
    assert_eq!(mistake(server("x").max_in_flight(0)), "max_in_flight");
    let adaptive = AdaptiveLimit::gradient().bounds(0, 0);
    assert!(server("x").adaptive(adaptive).build().is_err());
    let never = Duration::ZERO;
    assert_eq!(
        mistake(server("x").default_deadline(never)),
        "default_deadline"
    );
    let nothing = RateLimiter::builder("x").quota(0, Duration::from_secs(1));
    assert!(server("x").quota(nothing).build().is_err());
}

#[tokio::test(start_paused = true)]
async fn faults_meet_requests_behind_the_queue_and_inside_the_deadline() {
    let faults = Faults::builder("gateway").build();
    let delay = Delay::fixed(Duration::from_secs(3));
    let lease = Duration::from_secs(60);
    let slow = FaultSpec::new(FaultKind::Delay { delay }, lease);
    let layer = server("gateway")
        .default_deadline(Duration::from_secs(1))
        .faults(faults.clone())
        .build()
        .unwrap();
    let router = Router::new().route("/", get(async || "title")).layer(layer);
    let send = async || {
        let request = Request::get("/").body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap().status()
    };
    assert_eq!(send().await, StatusCode::OK);
    let id = faults.inject(slow).unwrap();
    assert_eq!(send().await, StatusCode::GATEWAY_TIMEOUT);
    faults.lift(id).unwrap();
    let broken = FaultKind::Status { status: 503 };
    faults.inject(FaultSpec::new(broken, lease)).unwrap();
    assert_eq!(send().await, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn at_the_edge_we_say_how_much_a_request_matters_and_inside_the_caller_does() {
    let of_route = |parts: &Parts| match parts.uri.path() {
        "/priority" => Priority::Sheddable,
        _ => Priority::Critical,
    };
    for (server, expected) in [
        (server("gateway").edge().priority(of_route), "sheddable"),
        (server("gateway").internal().priority(of_route), "critical"),
        (server("gateway").edge(), "default"),
    ] {
        let handler = async || CallContext::current().unwrap().priority().as_str();
        let router = Router::new()
            .route("/priority", get(handler))
            .layer(server.build().unwrap());
        let request = request("GET", "/priority", &[("aplomb-priority", "critical")]);
        let answer = router.oneshot(request).await.unwrap();
        let word = axum::body::to_bytes(answer.into_body(), 100).await.unwrap();
        assert_eq!(word, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn semantic_metrics_are_counted_where_they_are_asked_for() {
    for (is_on, expected) in [(false, 0), (true, 2)] {
        let telemetry = Telemetry::default();
        let layer = server("gateway")
            .telemetry(telemetry.clone())
            .semantic_metrics(is_on)
            .route_label(|_| "/titles/{id}".to_owned())
            .build()
            .unwrap();
        let router = Router::new()
            .route("/titles/7", get(async || StatusCode::BAD_GATEWAY))
            .layer(layer);
        for method in ["GET", "BREW"] {
            let answer = router
                .clone()
                .oneshot(request(method, "/titles/7", &[]))
                .await;
            answer.unwrap();
        }
        let definition = &names::HTTP_SERVER_REQUEST_DURATION;
        let count = |labels: &[&str]| telemetry.histogram(definition, labels).count();
        let gets = count(&["GET", "/titles/{id}", "502", "502"]);
        let others = count(&["_OTHER", "/titles/{id}", "405", ""]);
        assert_eq!(gets + others, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn queue_and_deadlines_can_be_taken_out() {
    let (router, finished) = new(server("metadata")
        .internal()
        .max_in_flight(None)
        .deadlines(false));
    let late = || request("GET", "/slow", &[("aplomb-deadline-ms", "0")]);
    let calls = (0..300).map(|_| router.clone().oneshot(late()));
    let begun = Instant::now();
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.unwrap().status(), StatusCode::OK);
    }
    assert_eq!(begun.elapsed(), Duration::from_millis(200));
    assert_eq!(finished.load(Ordering::SeqCst), 300);
    assert!(
        server("metadata")
            .max_in_flight(None)
            .build()
            .unwrap()
            .limit()
            .is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn each_deadline_part_goes_without_the_queue_going() {
    let (router, _) = new(server("metadata")
        .internal()
        .deadlines(false)
        .max_in_flight(1)
        .queue(0, Duration::ZERO)
        .retry_after(Duration::from_secs(7)));
    let working = tokio::spawn(router.clone().oneshot(request("GET", "/slow", &[])));
    tokio::time::sleep(Duration::from_millis(1)).await;
    let (refused, _) = call(&router, request("GET", "/slow", &[])).await;
    assert_eq!(refused.headers()["retry-after"], "7");
    assert_eq!(working.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn catch_panic_can_be_taken_out() {
    let telemetry = Telemetry::default();
    let (router, _) = new(server("metadata")
        .catch_panics(false)
        .telemetry(telemetry.clone()));
    let panics = tokio::spawn(router.oneshot(request("GET", "/panic", &[])));
    assert!(panics.await.unwrap_err().is_panic());
    let counted = telemetry.counter(&names::SERVER_PANICS, &["metadata"]);
    assert_eq!(counted.value(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_can_be_taken_out_again() {
    let limiter = RateLimiter::builder("metadata").quota(1, Duration::from_secs(60));
    let server = server("metadata").rate_limit(limiter.build().unwrap());
    assert!(server.clone().build().unwrap().rate_limit().is_some());
    let (router, _) = new(server.rate_limit(None));
    for _ in 0..3 {
        let (answer, _) = call(&router, request("GET", "/echo", &[])).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
}

/// Regression: handlers that fail at once, or whose callers go away, were taken for quick ones.
#[tokio::test(start_paused = true)]
async fn failures_teach_an_adaptive_limit_nothing() {
    let limit = AdaptiveLimit::gradient().bounds(2, 20);
    let layer = server("metadata").internal().adaptive(limit);
    let layer = layer.build().unwrap();
    let work = || tokio::time::sleep(Duration::from_millis(200));
    let router = Router::new()
        .route("/slow", get(work))
        .route("/broken", get(async || StatusCode::BAD_GATEWAY))
        .route("/panic", get(panics))
        .layer(layer.clone());
    let late: &[_] = &[("aplomb-deadline-ms", "1")];
    for (path, headers) in [
        ("/slow", &[][..]),
        ("/broken", &[]),
        ("/panic", &[]),
        ("/slow", late),
        ("/slow", &[]),
    ] {
        for _ in 0..20 {
            let calls = (0..8).map(|_| call(&router, request("GET", path, headers)));
            futures_util::future::join_all(calls).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let limit = layer.limit().unwrap().status().limit;
        assert!(limit >= 8, "{limit} after {path} {headers:?}");
    }
}
