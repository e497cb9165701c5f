use std::panic::catch_unwind;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;
use crate::circuit_breaker::{CircuitBreakerLayer, State};
use crate::telemetry::Telemetry;
use crate::transport::TransportError;

fn get() -> Request<Bytes> {
    Request::get("http://metadata:80/titles/7")
        .body(Bytes::new())
        .unwrap()
}

#[tokio::test]
async fn a_script_plays_its_steps_and_remembers_its_calls() {
    let clock = Clock::stop();
    let second = Duration::from_secs(1);
    let script = Script::new([
        Step::content("a title").after(second),
        Step::refuse(),
        Step::status(503),
    ]);
    let first = script.clone().oneshot(get()).await.unwrap();
    // Timers of tokio have the grain of a millisecond.
    assert_eq!(clock.elapsed().as_secs(), 1);
    assert_eq!(
        first.into_body().collect().await.unwrap().to_bytes(),
        "a title"
    );
    let refused = script.clone().oneshot(get()).await.unwrap_err();
    assert_eq!(
        TransportError::find(refused.as_ref()).unwrap().endpoint(),
        "metadata:80"
    );
    for _ in 0..2 {
        assert_eq!(script.clone().oneshot(get()).await.unwrap().status(), 503);
    }
    let calls = script.calls();
    assert_eq!(calls.len(), 4);
    assert_eq!((calls[1].at - calls[0].at).as_secs(), 1);
    assert_eq!(calls[0].uri.path(), "/titles/7");
}

#[tokio::test(start_paused = true)]
async fn a_rule_sees_the_call_and_a_script_without_steps_hangs() {
    let by_path = Script::by(|call| match call.uri.path() {
        "/titles/7" => Step::status(200),
        _ => Step::hang(),
    });
    assert_eq!(by_path.oneshot(get()).await.unwrap().status(), 200);
    let silent = Script::new([]).oneshot(get());
    let patience = Duration::from_secs(3_600);
    assert!(tokio::time::timeout(patience, silent).await.is_err());
}

fn message(assertion: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = catch_unwind(assertion).unwrap_err();
    *panic.downcast::<String>().unwrap()
}

#[tokio::test(start_paused = true)]
async fn assertions_say_what_is_wrong() {
    let breaker = CircuitBreakerLayer::builder("metadata")
        .build()
        .unwrap()
        .handle();
    assert_breaker(&breaker, State::Closed);
    breaker.force_open();
    let handle = std::panic::AssertUnwindSafe(breaker);
    let said = message(move || assert_breaker(&*handle, State::Closed));
    assert!(said.contains("`metadata` is open (forced-open)"), "{said}");
    let said = message(|| assert_breaker(None, State::Closed));
    assert!(said.contains("there is no breaker"), "{said}");

    let degraded = || {
        Response::builder()
            .header(
                "degradation",
                "rows;reason=open;stood-in=popular;weight=0.3",
            )
            .body(())
            .unwrap()
    };
    assert_full(&Response::new(()));
    assert_degraded(&degraded(), "rows", "popular");
    let said = message(move || assert_full(&degraded()));
    assert!(said.contains("popular"), "{said}");
    let said = message(move || assert_degraded(&degraded(), "rows", "last-good"));
    assert!(
        said.contains("`last-good` did not stand in for `rows`"),
        "{said}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_ends_as_it_is_told() {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("14"));
    let script = Script::new([
        Step::content("half").breaking_off(),
        Step::content("half").stalling(),
        Step::content("whole").trailers(trailers),
    ]);
    let body = async || script.clone().oneshot(get()).await.unwrap().into_body();
    let error = body().await.collect().await.unwrap_err();
    assert!(error.is::<TransportError>(), "{error}");
    let hour = Duration::from_secs(3_600);
    let stalled = body().await.collect();
    assert!(tokio::time::timeout(hour, stalled).await.is_err());
    let whole = body().await.collect().await.unwrap();
    assert_eq!(whole.trailers().unwrap()["grpc-status"], "14");
    assert_eq!(whole.to_bytes(), "whole");
}

#[tokio::test(start_paused = true)]
async fn readiness_can_fail_and_hang() {
    let script = Script::new([Step::status(200)]);
    script.set_readiness(Readiness::Fails);
    assert!(script.clone().oneshot(get()).await.is_err());
    script.set_readiness(Readiness::Hangs);
    let call = script.clone().oneshot(get());
    let hour = Duration::from_secs(3_600);
    assert!(tokio::time::timeout(hour, call).await.is_err());
    assert!(script.calls().is_empty());
    script.set_readiness(Readiness::Ready);
    assert_eq!(script.oneshot(get()).await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn transitions_are_seen_that_no_look_at_the_handle_would_have_seen() {
    let telemetry = Telemetry::default();
    let mut transitions = Transitions::record(&telemetry, "metadata");
    let breaker = CircuitBreakerLayer::builder("metadata")
        .telemetry(telemetry)
        .build()
        .unwrap()
        .handle();
    transitions.assert(&[]);
    breaker.force_open();
    breaker.reset();
    transitions.assert(&[State::Open, State::Closed]);
    let recorded = std::panic::AssertUnwindSafe(parking_lot::Mutex::new(transitions));
    let said = message(move || recorded.lock().assert(&[State::HalfOpen]));
    assert!(said.contains("entered [Open, Closed]"), "{said}");
}
