//! Answers given before the dependency is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use parking_lot::Mutex;
use tokio::time::{Instant, advance, sleep};
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;
use tower_layer::Layer;

use super::*;
use crate::BoxError;
use crate::body::ResponseBody;
use crate::context::{CallContext, Priority, TraceContext};
use crate::ledger::{Degradation, HEADER, Reason};
use crate::telemetry::{Telemetry, names};

const FRESH: Duration = Duration::from_secs(10);
const STALE: Duration = Duration::from_secs(20);
const SECOND: Duration = Duration::from_secs(1);

type Client = BoxCloneSyncService<Request<Bytes>, Response<ResponseBody>, BoxError>;

/// What the dependency does: after how long, with which status and header.
#[derive(Clone, Copy)]
struct Does {
    after: Duration,
    status: u16,
    header: (&'static str, &'static str),
    breaks: bool,
}

const ANSWERS: Does = Does {
    after: Duration::ZERO,
    status: 200,
    header: ("x-nothing", "x"),
    breaks: false,
};

struct Bench {
    client: Client,
    calls: Arc<AtomicUsize>,
    does: Arc<Mutex<Does>>,
    /// The headers of the last call.
    asked: Arc<Mutex<HeaderMap>>,
    telemetry: Telemetry,
}

/// A dependency that numbers its answers, behind a store that gives them at once.
fn bench() -> Bench {
    let telemetry = Telemetry::default();
    let config = LastGoodConfig {
        maximum_age: Duration::from_mins(1),
        revalidate: Some(Revalidate::new(FRESH, STALE)),
        ..LastGoodConfig::default()
    };
    let layer = FallbackLayer::builder("titles")
        .fallback(Fallback::new().last_good_with(config))
        .telemetry(telemetry.clone())
        .build()
        .unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let does = Arc::new(Mutex::new(ANSWERS));
    let (counted, behaviour) = (Arc::clone(&calls), Arc::clone(&does));
    let asked = Arc::<Mutex<HeaderMap>>::default();
    let notes = Arc::clone(&asked);
    let dependency = tower::service_fn(move |request: Request<Bytes>| {
        request.headers().clone_into(&mut notes.lock());
        let number = counted.fetch_add(1, Ordering::Relaxed) + 1;
        let does = *behaviour.lock();
        async move {
            sleep(does.after).await;
            if does.breaks {
                return Err::<_, BoxError>("connection reset".into());
            }
            let (name, value) = does.header;
            let answer = Response::builder().status(does.status).header(name, value);
            Ok(answer.body(ResponseBody::from(number.to_string()))?)
        }
    });
    Bench {
        client: Client::new(layer.layer(dependency)),
        calls,
        does,
        asked,
        telemetry,
    }
}

fn get() -> Request<Bytes> {
    Request::get("/titles/7").body(Bytes::new()).unwrap()
}

impl Bench {
    fn now_does(&self, does: Does) {
        *self.does.lock() = does;
    }

    async fn call(&self, request: Request<Bytes>) -> (String, Vec<Degradation>) {
        let context = CallContext::default();
        let answer = self.client.clone().oneshot(request);
        let answer = context.clone().scope(answer).await.unwrap();
        let body = answer.into_body().into_bytes().await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        (body, context.ledger().entries())
    }

    /// The body of a full answer.
    async fn full(&self) -> String {
        let (body, degradations) = self.call(get()).await;
        assert_eq!(degradations, []);
        body
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    fn refreshes(&self, result: &str) -> u64 {
        let labels = ["titles", result];
        self.telemetry.counter(&names::REFRESHES, &labels).value()
    }
}

/// Lets what runs in the background come to its end.
async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_fresh_answer_is_given_without_asking() {
    let bench = bench();
    assert_eq!(bench.full().await, "1");
    advance(FRESH.checked_sub(SECOND).unwrap()).await;
    assert_eq!(bench.full().await, "1");
    settle().await;
    assert_eq!(bench.calls(), 1);
    let given = bench
        .telemetry
        .counter(&names::STORED_ANSWERS, &["titles", "fresh"]);
    assert_eq!(given.value(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_is_given_at_once_while_one_refresh_runs() {
    let bench = bench();
    bench.full().await;
    bench.now_does(Does {
        after: SECOND,
        ..ANSWERS
    });
    advance(FRESH).await;
    let begun = Instant::now();
    for _ in 0..10 {
        assert_eq!(bench.full().await, "1");
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    sleep(SECOND * 2).await;
    assert_eq!(bench.calls(), 2);
    assert_eq!(bench.full().await, "2");
    assert_eq!(bench.refreshes("replaced"), 1);
    let given = bench
        .telemetry
        .counter(&names::STORED_ANSWERS, &["titles", "stale"]);
    assert_eq!(given.value(), 10);
}

#[tokio::test(start_paused = true)]
async fn past_the_stale_time_the_dependency_is_asked_and_an_error_still_replaced() {
    let bench = bench();
    bench.full().await;
    advance(FRESH + STALE).await;
    assert_eq!(bench.full().await, "2");
    advance(FRESH + STALE).await;
    bench.now_does(Does {
        breaks: true,
        ..ANSWERS
    });
    let (body, degradations) = bench.call(get()).await;
    assert_eq!(body, "2");
    assert_eq!(degradations[0].age, Some(FRESH + STALE));
    assert_eq!(bench.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_failed_refresh_makes_the_stale_answer_a_degradation_until_one_succeeds() {
    let bench = bench();
    bench.full().await;
    bench.now_does(Does {
        status: 503,
        ..ANSWERS
    });
    advance(FRESH).await;
    assert_eq!(bench.full().await, "1");
    settle().await;
    assert_eq!(bench.refreshes("failed"), 1);

    bench.now_does(ANSWERS);
    advance(SECOND).await;
    let (body, degradations) = bench.call(get()).await;
    assert_eq!(body, "1");
    assert_eq!(degradations[0].reason, Reason::Status);
    assert_eq!(degradations[0].stood_in, "last-good");
    assert!(degradations[0].age.unwrap() >= FRESH + SECOND);
    settle().await;
    assert_eq!(bench.full().await, "3");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_hangs_does_not_outlive_the_stale_time_of_its_answer() {
    let bench = bench();
    bench.full().await;
    bench.now_does(Does {
        after: Duration::from_secs(3_600),
        ..ANSWERS
    });
    advance(FRESH).await;
    assert_eq!(bench.full().await, "1");
    settle().await;
    bench.now_does(ANSWERS);
    advance(STALE).await;
    assert_eq!(bench.full().await, "3");
    sleep(Duration::from_mins(2)).await;
    assert_eq!(bench.refreshes("failed"), 1);
    // What hung says nothing about the answer that came meanwhile.
    assert_eq!(bench.full().await, "4");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_gone_is_no_longer_given() {
    let bench = bench();
    bench.full().await;
    bench.now_does(Does {
        status: 404,
        ..ANSWERS
    });
    advance(FRESH).await;
    assert_eq!(bench.full().await, "1");
    settle().await;
    assert_eq!(bench.refreshes("superseded"), 1);
    assert_eq!(bench.full().await, "3");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_outlives_the_caller_and_their_deadline() {
    let bench = bench();
    bench.full().await;
    bench.now_does(Does {
        after: SECOND,
        ..ANSWERS
    });
    advance(FRESH).await;
    let soon = Instant::now() + Duration::from_millis(10);
    let context = CallContext::new(Some(soon), Priority::default(), TraceContext::begin());
    let call = context.scope(bench.client.clone().oneshot(get()));
    call.await.unwrap();
    sleep(SECOND * 2).await;
    assert_eq!(bench.full().await, "2");
    assert_eq!(bench.calls(), 2);
}

#[test]
fn the_context_of_a_refresh_has_no_deadline() {
    let deadline = Some(Instant::now());
    let context = CallContext::new(deadline, Priority::Critical, TraceContext::begin());
    let mut request = get();
    request.extensions_mut().insert(context.clone());
    let (request, of_refresh) = super::refresh::Refresh::request(request);
    assert_eq!(of_refresh.deadline(), None);
    assert_eq!(of_refresh.priority(), Priority::Critical);
    let inside = CallContext::of(request.extensions()).unwrap();
    assert_eq!(inside.deadline(), None);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_given_at_once_is_asked_for() {
    for header in [
        (HEADER, "metadata;reason=open;stood-in=index;weight=0.5"),
        ("vary", "accept-language"),
        ("cache-control", "max-age=60, no-cache"),
    ] {
        let bench = bench();
        bench.now_does(Does { header, ..ANSWERS });
        bench.call(get()).await;
        assert_eq!(bench.call(get()).await.0, "2", "{header:?}");
    }
    let bench = bench();
    bench.full().await;
    let mut impatient = get();
    let value = http::HeaderValue::from_static("no-cache");
    impatient.headers_mut().insert("cache-control", value);
    assert_eq!(bench.call(impatient).await.0, "2");
}

#[test]
fn every_mistake_is_named() {
    let build = |fallback: Fallback| FallbackLayer::builder("x").fallback(fallback).build();
    let config = |fresh_for, stale_for| LastGoodConfig {
        revalidate: Some(Revalidate::new(fresh_for, stale_for)),
        ..LastGoodConfig::default()
    };
    for mistake in [
        Fallback::new().last_good_with(config(Duration::ZERO, Duration::ZERO)),
        Fallback::new().last_good_with(config(SECOND, Duration::MAX)),
        Fallback::new()
            .last_good_with(config(SECOND, SECOND))
            .last_good_with(config(SECOND, SECOND)),
    ] {
        assert_eq!(build(mistake).unwrap_err().key(), "last_good revalidate");
    }
}

/// Regression: a refresh asked on the condition of the caller's own copy, and the 304 that it got
/// removed what was kept.
#[tokio::test(start_paused = true)]
async fn a_refresh_asks_for_the_whole_answer_and_a_304_removes_nothing() {
    let bench = bench();
    bench.client.clone().oneshot(get()).await.unwrap();
    advance(FRESH).await;
    let mut conditional = get();
    let headers = conditional.headers_mut();
    headers.insert("if-none-match", "\"1\"".parse().unwrap());
    headers.insert(
        "if-modified-since",
        "Thu, 01 Jan 2026 00:00:00 GMT".parse().unwrap(),
    );
    headers.insert("accept-charset", "utf-8".parse().unwrap());
    bench.does.lock().status = 304;
    bench.client.clone().oneshot(conditional).await.unwrap();
    sleep(SECOND).await;
    assert_eq!(bench.calls.load(Ordering::Relaxed), 2);
    let asked = bench.asked.lock().clone();
    assert!(asked.contains_key("accept-charset"));
    assert!(!asked.contains_key("if-none-match"));
    assert!(!asked.contains_key("if-modified-since"));

    bench.does.lock().breaks = true;
    let answer = bench.client.clone().oneshot(get()).await.unwrap();
    assert_eq!(answer.body().bytes().unwrap(), "1");
}
