//! What the whole client stack says and hears: headers, ledger, metrics, switches.

// Helpers of tests may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::get as route;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use parking_lot::Mutex;
use resilience::balance::Endpoints;
use resilience::bulkhead::BulkheadConfig;
use resilience::circuit_breaker::CircuitBreakerConfig;
use resilience::classify::{GrpcClassify, HttpClassify};
use resilience::context::{CallContext, Priority, TraceContext, headers};
use resilience::fallback::Fallback;
use resilience::fault::{FaultKind, FaultSpec, Faults, Matching};
use resilience::hedge::HedgeConfig;
use resilience::ledger::Reason;
use resilience::quantile::QuantileConfig;
use resilience::rejection;
use resilience::stack::CallWeight;
use resilience::telemetry::{BreakerState, Event, Telemetry, names};
use resilience::timeout::AdaptiveTimeout;
use resilience::{BoxError, Client, ClientBuilder};
use support::{Behaviour, Network, get, metadata, request};
use tokio::sync::broadcast::Receiver;
use tokio::time::Instant;
use tower::{Service, ServiceExt, service_fn};
use tower_http::classify::StatusInRangeAsFailures;

type Answer = Response<Full<Bytes>>;

/// Answers what `answers` says to the first, second, … attempt; notes the headers of each.
fn scripted<const N: usize>(
    answers: [fn() -> Answer; N],
) -> (
    impl Service<Request<Bytes>, Response = Answer, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static,
    Arc<Mutex<Vec<HeaderMap>>>,
) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    let transport = service_fn(move |request: Request<Bytes>| {
        let attempt = {
            let mut notes = notes.lock();
            notes.push(request.headers().clone());
            notes.len() - 1
        };
        let answer = answers[attempt.min(N - 1)]();
        async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok(answer)
        }
    });
    (transport, seen)
}

fn well() -> Answer {
    Response::new(Full::from("rows"))
}

fn degraded() -> Answer {
    Response::builder()
        .header(
            "degradation",
            "profiles;reason=timeout;stood-in=none;weight=0.5",
        )
        .body(Full::from("rows"))
        .unwrap()
}

fn failing_and_degraded() -> Answer {
    let mut answer = degraded();
    *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    answer
}

fn recommendations() -> ClientBuilder {
    let endpoints: Endpoints = "http://r0:80,http://r1:80".parse().unwrap();
    resilience::client("recommendations")
        .endpoints(endpoints)
        .weight(0.4)
}

fn with_deadline(left: Duration, priority: Priority) -> CallContext {
    CallContext::new(Some(Instant::now() + left), priority, TraceContext::begin())
}

/// Name, reason and weight of what is in the ledger after one call.
async fn ledger_after(client: &Client, call: Request<Bytes>) -> Vec<(String, Reason, f64)> {
    let context = CallContext::default();
    let _ = context.clone().scope(client.send(call)).await;
    let entries = context.ledger().entries();
    let summary = |entry: resilience::ledger::Degradation| {
        (
            entry.dependency,
            entry.reason,
            (entry.weight * 1e6).round() / 1e6,
        )
    };
    entries.into_iter().map(summary).collect()
}

#[tokio::test(start_paused = true)]
async fn what_the_dependency_reports_counts_for_the_weight_of_the_call() {
    let (transport, _) = scripted([degraded]);
    let client = recommendations().build_on(transport).unwrap();
    let of = |weight| vec![("profiles".to_owned(), Reason::Timeout, weight)];
    assert_eq!(ledger_after(&client, get()).await, of(0.2));
    let mut light = get();
    light.extensions_mut().insert(CallWeight(0.1));
    assert_eq!(ledger_after(&client, light).await, of(0.05));
}

#[tokio::test(start_paused = true)]
async fn only_the_attempt_that_was_used_is_merged() {
    let (transport, seen) = scripted([failing_and_degraded, well]);
    let client = recommendations().build_on(transport).unwrap();
    assert_eq!(ledger_after(&client, get()).await, []);
    assert_eq!(seen.lock().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stand_in_is_recorded_once_and_instead_of_what_it_replaces() {
    let (transport, _) = scripted([failing_and_degraded]);
    let fallback =
        Fallback::new().default_with("popular", 1.0, |_| Response::new("popular".into()));
    let client = recommendations()
        .fallback(fallback)
        .build_on(transport)
        .unwrap();
    let expected = vec![("recommendations".to_owned(), Reason::Status, 0.4)];
    assert_eq!(ledger_after(&client, get()).await, expected);
}

#[tokio::test(start_paused = true)]
async fn every_attempt_carries_trace_priority_and_what_is_left() {
    let (transport, seen) = scripted([failing_and_degraded, well]);
    let client = recommendations()
        .attempt_timeout(Duration::from_millis(100))
        .build_on(transport)
        .unwrap();
    let context = with_deadline(Duration::from_millis(110), Priority::Critical);
    context.clone().scope(client.send(get())).await.unwrap();

    let seen = seen.lock();
    let left: Vec<Duration> = seen.iter().filter_map(headers::read_remaining).collect();
    // 110 minus the reserve of 10, and the first attempt has its timeout ahead of it.
    assert_eq!(left[0], Duration::from_millis(100));
    assert!(left[1] <= Duration::from_millis(80), "{left:?}");
    for sent in seen.iter() {
        assert_eq!(sent["aplomb-priority"], "critical");
        let trace: TraceContext = sent["traceparent"].to_str().unwrap().parse().unwrap();
        assert_eq!(trace.trace_id(), context.trace().trace_id());
        assert_ne!(trace, *context.trace());
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_context_all_attempts_are_one_trace() {
    let (transport, seen) = scripted([failing_and_degraded, well]);
    let client = recommendations().build_on(transport).unwrap();
    client.send(get()).await.unwrap();
    let trace = |sent: &HeaderMap| {
        let trace: TraceContext = sent["traceparent"].to_str().unwrap().parse().unwrap();
        trace.trace_id()
    };
    let seen = seen.lock();
    assert_eq!(trace(&seen[0]), trace(&seen[1]));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_not_told_to_work_longer_than_it_is_waited_for() {
    let (transport, seen) = scripted([well]);
    let client = recommendations()
        .attempt_timeout(Duration::from_millis(150))
        .build_on(transport)
        .unwrap();
    client.send(get()).await.unwrap();
    let left = headers::read_remaining(&seen.lock()[0]);
    assert_eq!(left, Some(Duration::from_millis(150)));
}

#[tokio::test(start_paused = true)]
async fn calls_are_counted_by_what_the_caller_got_and_attempts_by_what_came() {
    let network = Network::new([Behaviour::Well(3), Behaviour::Well(3)]);
    let telemetry = Telemetry::default();
    let fallback = Fallback::new().default_with("empty", 1.0, |_| Response::new(Bytes::new()));
    let client = metadata(&network)
        .fallback(fallback)
        .telemetry(telemetry.clone())
        .build_on(network.transport())
        .unwrap();
    client.send(get()).await.unwrap();
    network.set(0, Behaviour::Status(503));
    network.set(1, Behaviour::Status(503));
    client.send(get()).await.unwrap();
    client.send(request(Method::POST)).await.unwrap();
    let count = |definition, outcome| {
        telemetry
            .counter(definition, &["metadata", outcome])
            .value()
    };
    let calls =
        ["full", "degraded", "failed"].map(|outcome| count(&names::CLIENT_REQUESTS, outcome));
    assert_eq!(calls, [1, 1, 1]);
    let attempts =
        ["success", "failure", "neutral"].map(|outcome| count(&names::CLIENT_ATTEMPTS, outcome));
    assert_eq!(attempts, [1, 3 + 1, 0]);
}

/// Nothing but the fallback's ledger and the transport is left.
fn bare(builder: ClientBuilder) -> ClientBuilder {
    builder
        .deadlines(false)
        .attempt_timeout(None)
        .body_idle(None)
        .collect(None)
        .breaker(None)
        .bulkhead(None)
        .retry(None)
        .hedge(None)
        .coalesce(false)
        .fallback(None)
        .balance(None)
        .propagate(false)
        .success_metrics(false)
        .faults(None)
}

#[tokio::test(start_paused = true)]
async fn every_part_can_be_removed() {
    let network = Network::new([Behaviour::Refuses, Behaviour::Refuses]);
    let telemetry = Telemetry::default();
    let client = bare(metadata(&network))
        .telemetry(telemetry.clone())
        .build_on(network.transport())
        .unwrap();
    for _ in 0..100 {
        client.send(get()).await.unwrap_err();
    }
    // In turn, and nobody gives up.
    assert_eq!((network.received(0), network.received(1)), (50, 50));
    assert!(client.breaker().is_none() && client.bulkhead().is_none());
    assert!(client.retry_budget().is_none() && client.hedge_budget().is_none());
    assert!(client.endpoints().is_empty() && client.faults().is_none());
    for family in [&names::CLIENT_REQUESTS, &names::CLIENT_ATTEMPTS] {
        for outcome in ["failed", "failure"] {
            let counted = telemetry.counter(family, &["metadata", outcome]).value();
            assert_eq!(counted, 0, "{outcome}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_deadlines_a_call_takes_as_long_as_it_takes() {
    let network = Network::new([Behaviour::Well(60_000)]);
    let client = bare(metadata(&network)).build_on(network.transport());
    let client = client.unwrap();
    let context = with_deadline(Duration::from_millis(10), Priority::Default);
    let begun = Instant::now();
    context.scope(client.send(get())).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn without_propagation_the_dependency_hears_nothing() {
    let (transport, seen) = scripted([well]);
    let client = recommendations().propagate(false).caller("gateway");
    let client = client.build_on(transport).unwrap();
    client.send(get()).await.unwrap();
    assert!(seen.lock()[0].is_empty(), "{:?}", seen.lock()[0]);
}

#[tokio::test(start_paused = true)]
async fn without_collecting_every_body_streams() {
    for (collect, is_whole) in [(Some(1_024), true), (None, false)] {
        let (transport, _) = scripted([well]);
        let client = recommendations().collect(collect);
        let body = client.build_on(transport).unwrap();
        let body = body.send(get()).await.unwrap().into_body();
        assert_eq!(body.bytes().is_some(), is_whole);
        assert_eq!(body.into_bytes().await.unwrap(), "rows");
    }
}

#[tokio::test(start_paused = true)]
async fn every_part_judges_by_the_classifier_that_was_given() {
    let not_found = || {
        let mut answer = well();
        *answer.status_mut() = StatusCode::NOT_FOUND;
        answer
    };
    let telemetry = Telemetry::default();
    let make = StatusInRangeAsFailures::new(404..=404).into_make_classifier();
    let (transport, seen) = scripted([not_found]);
    let client = recommendations()
        .telemetry(telemetry.clone())
        .breaker(CircuitBreakerConfig::new().consecutive_failures(3))
        .fallback(Fallback::new().default_with("none", 1.0, |_| Response::new("none".into())))
        .classify(HttpClassify::new(&make))
        .build_on(transport)
        .unwrap();
    let answer = client.send(get()).await.unwrap();
    assert_eq!(answer.into_body().into_bytes().await.unwrap(), "none");
    assert_eq!(seen.lock().len(), 3, "it was repeated");
    let breaker = client.breaker().unwrap();
    assert_eq!(breaker.state(), BreakerState::Open);
    let failed = telemetry.counter(&names::CLIENT_ATTEMPTS, &["recommendations", "failure"]);
    assert_eq!(failed.value(), 3);
}

#[tokio::test(start_paused = true)]
async fn statuses_of_grpc_are_judged_in_the_whole_stack() {
    let unavailable = || {
        let answer = Response::builder().header("grpc-status", "14");
        answer.body(Full::default()).unwrap()
    };
    let (transport, seen) = scripted([unavailable, well]);
    let client = recommendations().classify(GrpcClassify::default());
    let client = client.build_on(transport).unwrap();
    let answer = client.send(get()).await.unwrap();
    assert!(!answer.headers().contains_key("grpc-status"));
    assert_eq!(seen.lock().len(), 2);
}

/// Regression: what was collected whole was judged by its head alone.
#[tokio::test(start_paused = true)]
async fn a_status_of_grpc_in_the_trailers_of_a_collected_body_is_judged_in_the_whole_stack() {
    let transport = service_fn(async |_: Request<Bytes>| {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "14".parse().unwrap());
        let message = Frame::data(Bytes::from("half a message"));
        let frames = [Ok::<_, BoxError>(message), Ok(Frame::trailers(trailers))];
        let body = StreamBody::new(futures_util::stream::iter(frames));
        Ok::<_, Infallible>(Response::new(body))
    });
    let telemetry = Telemetry::default();
    let client = recommendations()
        .classify(GrpcClassify::default())
        .breaker(CircuitBreakerConfig::new().consecutive_failures(3))
        .telemetry(telemetry.clone())
        .build_on(transport)
        .unwrap();
    let answer = client.send(get()).await.unwrap();
    let body = answer.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["grpc-status"], "14");
    let counted = |name, result| {
        let labels = ["recommendations", result];
        telemetry.counter(name, &labels).value()
    };
    assert_eq!(
        counted(&names::CLIENT_ATTEMPTS, "failure"),
        3,
        "it was repeated"
    );
    assert_eq!(counted(&names::CLIENT_REQUESTS, "failed"), 1);
    assert_eq!(client.breaker().unwrap().state(), BreakerState::Open);
}

/// Regression: the bulkhead looked for the priority in the task alone.
#[tokio::test(start_paused = true)]
async fn a_priority_that_the_request_brings_is_heard_by_the_bulkhead() {
    let network = Network::new([Behaviour::Well(50)]);
    let bulkhead = BulkheadConfig::new()
        .maximum_in_flight(1)
        .queue(1, Duration::from_secs(1));
    let client = metadata(&network)
        .bulkhead(bulkhead.by_priority(true))
        .retry(None)
        .build_on(network.transport())
        .unwrap();
    let calls = [Priority::Default, Priority::Sheddable, Priority::Critical];
    let calls = calls.map(|priority| {
        let mut request = get();
        let context = CallContext::new(None, priority, TraceContext::begin());
        request.extensions_mut().insert(context);
        client.send(request)
    });
    let results = futures_util::future::join_all(calls).await;
    let is_ok: Vec<_> = results.iter().map(Result::is_ok).collect();
    assert_eq!(is_ok, [true, false, true]);
}

/// By whom calls were rejected, as events say it, and which other events came once per call.
fn told(events: &mut Receiver<Event>) -> Vec<String> {
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        match event {
            Event::Rejected { by, .. } => told.push(by),
            event if event.comes_once_per_call() => {
                let json = serde_json::to_value(&event).unwrap();
                told.push(json["event"].as_str().unwrap().to_owned());
            }
            _ => {}
        }
    }
    told
}

#[tokio::test(start_paused = true)]
async fn what_each_part_does_is_told_to_whoever_listens() {
    let network = Network::new([Behaviour::BlackHole]);
    let telemetry = Telemetry::default();
    let mut events = telemetry.subscribe();
    let client = metadata(&network)
        .telemetry(telemetry.clone())
        .attempt_timeout(Duration::from_millis(100))
        .retry(None)
        .coalesce(true)
        .hedge(HedgeConfig::after(Duration::from_millis(50)).budget(1.0, 10))
        .breaker(CircuitBreakerConfig::new().consecutive_failures(2))
        .build_on(network.transport())
        .unwrap();
    let (_, _) = tokio::join!(client.send(get()), client.send(get()));
    assert_eq!(
        told(&mut events),
        ["coalesced", "hedged", "timedOut", "timedOut"]
    );
    client.send(get()).await.unwrap_err();
    assert_eq!(told(&mut events), ["breaker"]);

    let client = metadata(&network)
        .telemetry(telemetry)
        .attempt_timeout(None)
        .deadline(Duration::from_millis(100))
        .build_on(network.transport())
        .unwrap();
    client.send(get()).await.unwrap_err();
    assert_eq!(told(&mut events), ["deadlineExpired"]);
}

#[tokio::test(start_paused = true)]
async fn switched_off_it_sends_what_it_is_given() {
    let (transport, seen) = scripted([degraded]);
    let bare = recommendations()
        .enabled(false)
        .build_on(transport)
        .unwrap();
    assert_eq!(ledger_after(&bare, get()).await, []);
    assert!(seen.lock()[0].is_empty());
}

#[test]
fn a_value_that_cannot_be_is_named() {
    let network = Network::new([Behaviour::Refuses]);
    let build = |builder: ClientBuilder| builder.build_on(network.transport()).unwrap_err();
    assert_eq!(
        build(metadata(&network).weight(1.4)).to_string(),
        "`weight` of the client is 1.4: expected 0 to 1"
    );
    assert_eq!(
        build(metadata(&network).deadline(Duration::ZERO)).to_string(),
        "`deadline` of the client is 0s: expected more than 0 s"
    );
    let adaptive = AdaptiveTimeout::new(QuantileConfig::new(0.99));
    let unbounded = metadata(&network)
        .attempt_timeout(None)
        .adaptive_timeout(adaptive);
    let error = build(unbounded);
    assert_eq!(error.value().key(), "adaptive_timeout");
    assert_eq!(
        error.to_string(),
        "`adaptive_timeout` of the client is given without an attempt_timeout: \
         expected an attempt_timeout, which is its upper bound"
    );
}

#[tokio::test(start_paused = true)]
async fn an_adaptive_timeout_needs_its_upper_bound_only_where_it_is_at_work() {
    let adaptive = AdaptiveTimeout::new(QuantileConfig::new(0.99).minimum_samples(10));
    let network = Network::new([Behaviour::Well(20)]);
    // Whatever stands in a stack that is switched off is of no use, and no mistake either.
    let off = metadata(&network)
        .attempt_timeout(None)
        .adaptive_timeout(adaptive)
        .enabled(false);
    assert!(off.build_on(network.transport()).is_ok());
    let taken_back = metadata(&network)
        .adaptive_timeout(adaptive)
        .adaptive_timeout(None)
        .attempt_timeout(None);
    assert!(taken_back.build_on(network.transport()).is_ok());

    let client = metadata(&network)
        .adaptive_timeout(adaptive)
        .retry(None)
        .build_on(network.transport())
        .unwrap();
    for _ in 0..20 {
        assert!(client.send(get()).await.is_ok());
    }
    network.set(0, Behaviour::Well(300));
    let begun = Instant::now();
    assert!(client.send(get()).await.is_err());
    // Three times the 20 ms that it usually takes, and not the 500 ms that it may.
    let took = begun.elapsed();
    assert!(took < Duration::from_millis(70), "{took:?}");
}

/// A service with one route that asks the next one and fails when that fails.
fn middle(next: Client) -> Router {
    Router::new()
        .route("/titles/7", route(ask))
        .with_state(next)
        .layer(resilience::server("middle").internal().build().unwrap())
}

async fn ask(State(next): State<Client>) -> StatusCode {
    match next.send(get()).await {
        Ok(answer) => answer.status(),
        Err(_) => StatusCode::BAD_GATEWAY,
    }
}

/// A router as the transport of a client in front of it.
fn in_process(
    router: Router,
) -> impl Service<Request<Bytes>, Response = Response<Body>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static {
    let router = Arc::new(Mutex::new(router));
    service_fn(move |request: Request<Bytes>| {
        let router = router.lock().clone();
        router.oneshot(request.map(Body::from))
    })
}

#[tokio::test(start_paused = true)]
async fn of_two_hops_only_the_one_next_to_the_failure_repeats() {
    let leaf = Network::new([Behaviour::Status(503), Behaviour::Status(503)]);
    let inner = metadata(&leaf).build_on(leaf.transport()).unwrap();
    let outer = resilience::client("middle")
        .endpoints(Endpoints::parse("http://m0:80,http://m1:80").unwrap())
        .build_on(in_process(middle(inner)))
        .unwrap();
    let answer = outer.send(get()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()[headers::NO_RETRY], "1");
    assert_eq!(leaf.received(0) + leaf.received(1), 3);
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_failing_calls_over_two_hops_stays_within_the_budget_of_one() {
    let leaf = Network::new([Behaviour::Status(503), Behaviour::Status(503)]);
    let inner = metadata(&leaf)
        .breaker(None)
        .build_on(leaf.transport())
        .unwrap();
    let outer = resilience::client("middle")
        .endpoints(Endpoints::parse("http://m0:80").unwrap())
        .breaker(None)
        .build_on(in_process(middle(inner)))
        .unwrap();
    let begun = Instant::now();
    for _ in 0..1_000 {
        let _: Result<_, BoxError> = outer.send(get()).await;
    }
    let seconds = begun.elapsed().as_secs() as usize + 1;
    let received = leaf.received(0) + leaf.received(1);
    // What the budget of the inner client alone allows: a fifth of the calls, and ten for each
    // second, of which ten seconds are given in advance.
    assert!(received <= 1_000 + 200 + 10 * (10 + seconds), "{received}");
}

#[tokio::test(start_paused = true)]
async fn a_hedge_goes_to_the_other_endpoint() {
    let network = Network::new([Behaviour::Well(5), Behaviour::Well(300)]);
    let client = metadata(&network)
        .hedge(HedgeConfig::after(Duration::from_millis(50)).budget(1.0, 100))
        .attempt_timeout(Duration::from_secs(1))
        .seed(1)
        .build_on(network.transport())
        .unwrap();
    for _ in 0..20 {
        let began = Instant::now();
        let answer = client.send(get()).await.unwrap();
        assert_eq!(answer.body().bytes().unwrap(), "r0:80");
        assert!(began.elapsed() <= Duration::from_millis(55));
    }
    assert!(
        network.received(1) > 0,
        "the slow one was tried first at least once"
    );
}

#[tokio::test(start_paused = true)]
async fn shared_reads_report_the_same_degradations_and_count_as_calls_of_their_own() {
    let (transport, heard) = scripted([|| {
        Response::builder()
            .header("degradation", "tags;reason=open;stood-in=none;weight=0.5")
            .body(Full::from("a title"))
            .unwrap()
    }]);
    let registry = prometheus::Registry::new();
    let telemetry = Telemetry::new(&registry).unwrap();
    let client = resilience::client("metadata")
        .endpoints(resilience::balance::Endpoints::parse("http://r0:80").unwrap())
        .coalesce(true)
        .telemetry(telemetry.clone())
        .build_on(transport)
        .unwrap();
    let calls = [0; 3].map(|_| async {
        let context = CallContext::default();
        let mut request = get();
        request.extensions_mut().insert(context.clone());
        client.send(request).await.unwrap();
        context.ledger().harvest()
    });
    let harvests = futures_util::future::join_all(calls).await;
    assert_eq!(harvests, [0.5; 3]);
    assert_eq!(heard.lock().len(), 1);
    let labels = ["metadata", "degraded"];
    assert_eq!(
        telemetry.counter(&names::CLIENT_REQUESTS, &labels).value(),
        3
    );
}

/// More than is collected inside the attempt, and then the connection breaks.
#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_off_after_the_attempt_counts_for_the_breaker() {
    let transport = service_fn(async |_: Request<Bytes>| {
        let part = || Ok(Frame::data(Bytes::from(vec![0; 1024 * 1024])));
        let frames = [part(), part(), Err(BoxError::from("connection reset"))];
        let body = StreamBody::new(futures_util::stream::iter(frames));
        Ok::<_, Infallible>(Response::new(body))
    });
    let config = CircuitBreakerConfig::new().consecutive_failures(2);
    let client = metadata(&Network::new([Behaviour::Well(1)]))
        .breaker(config)
        .build_on(transport)
        .unwrap();
    let breaker = client.breaker().unwrap();
    for _ in 0..2 {
        assert_eq!(breaker.state(), BreakerState::Closed);
        let answer = client.send(get()).await.unwrap();
        answer.into_body().into_bytes().await.unwrap_err();
    }
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[tokio::test(start_paused = true)]
async fn an_injected_failure_is_judged_like_a_real_one() {
    let network = Network::new([Behaviour::Well(1), Behaviour::Well(1)]);
    let faults = Faults::builder("metadata").build();
    let client = metadata(&network)
        .faults(faults.clone())
        .caller("gateway")
        .breaker(CircuitBreakerConfig::new().consecutive_failures(6))
        .build_on(network.transport())
        .unwrap();
    let aborts = FaultSpec::new(FaultKind::Abort, Duration::from_secs(60));
    let from_us = Matching::default().caller("gateway");
    faults.inject(aborts.matching(from_us)).unwrap();
    let error = client.send(get()).await.unwrap_err();
    assert_eq!(rejection::reason(error.as_ref()), Reason::Reset);
    let _ = client.send(get()).await;
    assert_eq!(faults.list()[0].hits, 6);
    assert_eq!(client.breaker().unwrap().state(), BreakerState::Open);
    assert_eq!(network.received(0) + network.received(1), 0);
}

#[tokio::test(start_paused = true)]
async fn semantic_metrics_see_every_request_on_the_wire() {
    let network = Network::new([Behaviour::Status(503), Behaviour::BlackHole]);
    let telemetry = Telemetry::default();
    let client = metadata(&network)
        .telemetry(telemetry.clone())
        .semantic_metrics(true)
        .seed(1)
        .build_on(network.transport())
        .unwrap();
    let _ = client.send(get()).await;
    let count = |endpoint: &str, status: &str, error: &str| {
        let labels = ["GET", endpoint, status, error];
        let definition = &names::HTTP_CLIENT_REQUEST_DURATION;
        telemetry.histogram(definition, &labels).count() as usize
    };
    let answered = count("r0:80", "503", "503");
    let cancelled = count("r1:80", "", "cancelled");
    assert!(answered > 0 && cancelled > 0);
    assert_eq!(
        (answered, cancelled),
        (network.received(0), network.received(1))
    );
}
