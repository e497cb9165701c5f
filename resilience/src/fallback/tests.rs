use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Method, Request, Response, StatusCode};
use parking_lot::Mutex;
use tokio::time::advance;
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;

use super::*;
use crate::BoxError;
use crate::body::ResponseBody;
use crate::bulkhead::{BulkheadConfig, BulkheadLayer};
use crate::config::ConfigError;
use crate::context::CallContext;
use crate::ledger::{Degradation, HEADER, Reason};
use crate::stack::{CallWeight, FallbackKey};
use crate::telemetry::{Event, Telemetry, names};

const AGE: Duration = Duration::from_mins(1);

type Answer = Result<Response<ResponseBody>, BoxError>;

/// A dependency that does what was last said.
#[derive(Clone, Default)]
struct Dependency {
    does: Arc<Mutex<Does>>,
}

#[derive(Clone, Copy, Default)]
enum Does {
    #[default]
    Answers,
    AnswersWith(u16, &'static str),
    AnswersDegraded(&'static str),
    ForbidsStoring,
    AnswersUnder(&'static str, &'static str),
    Breaks,
    IsNeverAble,
}

impl Service<Request<Bytes>> for Dependency {
    type Response = Response<ResponseBody>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Answer>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match *self.does.lock() {
            Does::IsNeverAble => Poll::Ready(Err("not able".into())),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, _: Request<Bytes>) -> Self::Future {
        let builder = Response::builder();
        let answer = match *self.does.lock() {
            Does::Answers => builder.body("fresh"),
            Does::AnswersWith(status, body) => builder.status(status).body(body),
            Does::AnswersDegraded(header) => builder.header(HEADER, header).body("partial"),
            Does::ForbidsStoring => builder
                .header("cache-control", "private, No-Store")
                .body("secret"),
            Does::AnswersUnder(name, value) => builder.header(name, value).body("for one"),
            Does::Breaks | Does::IsNeverAble => {
                return std::future::ready(Err("connection reset".into())).boxed();
            }
        };
        let answer = answer.unwrap().map(ResponseBody::from);
        std::future::ready(Ok(answer)).boxed()
    }
}

struct Bench {
    service: FallbackService<Dependency>,
    dependency: Dependency,
    telemetry: Telemetry,
}

fn bench(fallback: Fallback) -> Bench {
    let telemetry = Telemetry::default();
    let layer = FallbackLayer::builder("recommendations")
        .fallback(fallback)
        .weight(0.5)
        .telemetry(telemetry.clone())
        .build()
        .unwrap();
    let dependency = Dependency::default();
    Bench {
        service: layer.layer(dependency.clone()),
        dependency,
        telemetry,
    }
}

impl Bench {
    fn now_does(&self, does: Does) {
        *self.dependency.does.lock() = does;
    }

    /// What a call brings, and what it writes into the ledger.
    async fn call(&self, request: Request<Bytes>) -> (Answer, Vec<Degradation>) {
        let context = CallContext::default();
        let answer = self.service.clone().oneshot(request);
        let answer = context.clone().scope(answer).await;
        (answer, context.ledger().entries())
    }

    async fn get(&self, path: &str) -> (Answer, Vec<Degradation>) {
        self.call(get(path)).await
    }
}

fn get(path: &str) -> Request<Bytes> {
    Request::get(path).body(Bytes::new()).unwrap()
}

fn text(answer: &Answer) -> &[u8] {
    answer.as_ref().unwrap().body().bytes().unwrap()
}

fn last_good() -> Fallback {
    Fallback::new().last_good(100, AGE)
}

fn popular() -> Fallback {
    Fallback::new().default_with("popular", 0.4, |_| Response::new(Bytes::from("popular")))
}

fn weights(entries: &[Degradation]) -> Vec<(&str, f64)> {
    let weigh = |entry: &Degradation| (entry.weight * 1e9).round() / 1e9;
    entries
        .iter()
        .map(|entry| (&*entry.stood_in, weigh(entry)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn the_last_good_answer_stands_in_with_its_age() {
    let bench = bench(last_good());
    let (fresh, degradations) = bench.get("/rows/7").await;
    assert_eq!(text(&fresh), b"fresh");
    assert_eq!(degradations, []);

    bench.now_does(Does::Breaks);
    advance(Duration::from_secs(9)).await;
    let (stale, degradations) = bench.get("/rows/7").await;
    assert_eq!(text(&stale), b"fresh");
    let expected = Degradation {
        dependency: "recommendations".into(),
        reason: Reason::Error,
        stood_in: "last-good".into(),
        weight: 0.5,
        age: Some(Duration::from_secs(9)),
    };
    assert_eq!(degradations, [expected]);
    assert!(bench.get("/rows/8").await.0.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_answer_past_its_maximum_age_does_not_stand_in() {
    let bench = bench(last_good());
    bench.get("/rows/7").await.0.unwrap();
    bench.now_does(Does::Breaks);
    advance(AGE).await;
    let (answer, degradations) = bench.get("/rows/7").await;
    assert_eq!(answer.unwrap_err().to_string(), "connection reset");
    assert_eq!(degradations, []);
}

#[tokio::test(start_paused = true)]
async fn stand_ins_are_tried_in_order() {
    let bench = bench(
        last_good()
            .from_fn("local", 0.1, |request, _| {
                let is_local = request.uri().path() == "/local";
                is_local.then(|| Response::new(Bytes::from("local")))
            })
            .default_with("popular", 0.4, |_| Response::new(Bytes::from("popular"))),
    );
    bench.get("/rows/7").await.0.unwrap();
    bench.now_does(Does::Breaks);
    for (path, body, weight) in [
        ("/rows/7", "fresh", ("last-good", 0.5)),
        ("/local", "local", ("local", 0.05)),
        ("/rows/8", "popular", ("popular", 0.2)),
    ] {
        let (answer, degradations) = bench.get(path).await;
        assert_eq!(text(&answer), body.as_bytes());
        assert_eq!(weights(&degradations), [weight]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_status_is_replaced_and_a_client_error_never() {
    let bench = bench(popular());
    bench.now_does(Does::AnswersWith(503, "overloaded"));
    let (answer, degradations) = bench.get("/rows/7").await;
    assert_eq!(text(&answer), b"popular");
    assert_eq!(degradations[0].reason, Reason::Status);

    bench.now_does(Does::AnswersWith(404, "no such user"));
    let (answer, degradations) = bench.get("/rows/7").await;
    assert_eq!(text(&answer), b"no such user");
    assert_eq!(degradations, []);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_nothing_replaces_is_handed_on_as_it_came() {
    let bench = bench(Fallback::new());
    bench.now_does(Does::AnswersWith(503, "overloaded"));
    let (answer, degradations) = bench.get("/rows/7").await;
    assert_eq!(
        answer.as_ref().unwrap().status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(text(&answer), b"overloaded");
    assert_eq!(degradations, []);
}

#[tokio::test(start_paused = true)]
async fn functions_see_the_request_and_the_error() {
    let bench = bench(Fallback::new().from_fn("echo", 1.0, |request, error| {
        let status = error.downcast_ref::<FailureStatus>()?.status();
        let body = format!("{} {} {status}", request.method(), request.uri());
        Some(Response::new(Bytes::from(body)))
    }));
    bench.now_does(Does::AnswersWith(500, "broken"));
    let put = Request::put("/positions/7").body(Bytes::new()).unwrap();
    let (answer, _) = bench.call(put).await;
    assert_eq!(text(&answer), b"PUT /positions/7 500 Internal Server Error");
}

#[tokio::test(start_paused = true)]
async fn a_write_is_never_answered_by_a_default_or_from_the_store() {
    let bench = bench(last_good().default_with("popular", 1.0, |_| Response::default()));
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let write = || {
            Request::builder()
                .method(&method)
                .body(Bytes::new())
                .unwrap()
        };
        bench.now_does(Does::Answers);
        bench.call(write()).await.0.unwrap();
        bench.now_does(Does::Breaks);
        assert!(bench.call(write()).await.0.is_err(), "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_key_can_be_chosen_and_lets_a_lookup_by_post_be_kept() {
    let bench = bench(last_good());
    let lookup = |path| {
        let mut lookup = Request::post(path).body(Bytes::new()).unwrap();
        lookup
            .extensions_mut()
            .insert(FallbackKey("titles 1,2".into()));
        lookup
    };
    bench.call(lookup("/lookup?a")).await.0.unwrap();
    bench.now_does(Does::Breaks);
    assert_eq!(text(&bench.call(lookup("/lookup?b")).await.0), b"fresh");
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_stored_is_not() {
    let bench = bench(last_good());
    bench.now_does(Does::ForbidsStoring);
    bench.get("/secret").await.0.unwrap();
    bench.now_does(Does::AnswersWith(404, "not there yet"));
    bench.get("/missing").await.0.unwrap();
    bench.now_does(Does::Breaks);
    assert!(bench.get("/secret").await.0.is_err());
    assert!(bench.get("/missing").await.0.is_err());
}

/// Regression: the session of one user, and what was made for one tenant, stood in for all.
#[tokio::test(start_paused = true)]
async fn what_is_for_one_user_stands_in_for_nobody() {
    for (name, value) in [
        ("set-cookie", "session=1"),
        ("cache-control", "private, max-age=60"),
        ("vary", "accept, x-tenant"),
    ] {
        let bench = bench(last_good());
        bench.now_does(Does::AnswersUnder(name, value));
        bench.get("/me").await.0.unwrap();
        bench.now_does(Does::Breaks);
        assert!(bench.get("/me").await.0.is_err(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_varies_with_the_language_stands_in_for_that_language() {
    let bench = bench(last_good());
    let asks = async |language: &'static str| {
        let mut request = get("/titles");
        let language = http::HeaderValue::from_static(language);
        request.headers_mut().insert("accept-language", language);
        bench.call(request).await.0
    };
    bench.now_does(Does::AnswersUnder("vary", "Accept-Language"));
    asks("de").await.unwrap();
    bench.now_does(Does::Breaks);
    assert!(asks("de").await.is_ok());
    assert!(asks("en").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_entries_of_a_used_answer_are_merged_by_the_weight_of_the_call() {
    let bench = bench(last_good());
    bench.now_does(Does::AnswersDegraded(
        "metadata;reason=open;stood-in=index;weight=0.5",
    ));
    let (_, degradations) = bench.get("/rows/7").await;
    assert_eq!(degradations[0].dependency, "metadata");
    assert_eq!(weights(&degradations), [("index", 0.25)]);

    let mut light = get("/rows/7");
    light.extensions_mut().insert(CallWeight(0.1));
    let (_, degradations) = bench.call(light).await;
    assert_eq!(weights(&degradations), [("index", 0.05)]);
}

#[tokio::test(start_paused = true)]
async fn a_stored_answer_keeps_its_own_entries_within_the_weight_of_the_call() {
    let config = LastGoodConfig {
        share: 0.4,
        ..LastGoodConfig::default()
    };
    let bench = bench(Fallback::new().last_good_with(config));
    bench.now_does(Does::AnswersDegraded(
        "metadata;reason=open;stood-in=index;weight=0.2",
    ));
    bench.get("/light").await.0.unwrap();
    bench.now_does(Does::AnswersDegraded(
        "metadata;reason=open;stood-in=index;weight=1.0",
    ));
    bench.get("/heavy").await.0.unwrap();

    bench.now_does(Does::Breaks);
    let (_, degradations) = bench.get("/light").await;
    assert_eq!(weights(&degradations), [("last-good", 0.2), ("index", 0.1)]);
    let (_, degradations) = bench.get("/heavy").await;
    let sum: f64 = degradations.iter().map(|entry| entry.weight).sum();
    assert_eq!(degradations.len(), 2);
    assert!((sum - 0.5).abs() < 1e-9, "{sum}");
}

#[tokio::test(start_paused = true)]
async fn a_stand_in_drops_the_entries_of_what_it_replaces() {
    let bench = bench(popular());
    bench.now_does(Does::AnswersWith(200, "fresh"));
    let classify =
        |_: Result<&Response<ResponseBody>, &BoxError>| crate::classify::Outcome::Failure;
    let layer = FallbackLayer::builder("recommendations")
        .fallback(popular())
        .classify(classify)
        .build()
        .unwrap();
    bench.now_does(Does::AnswersDegraded(
        "metadata;reason=open;stood-in=index;weight=0.5",
    ));
    let context = CallContext::default();
    let call = layer
        .layer(bench.dependency.clone())
        .oneshot(get("/rows/7"));
    let answer = context.clone().scope(call).await;
    assert_eq!(text(&answer), b"popular");
    assert_eq!(weights(&context.ledger().entries()), [("popular", 0.4)]);
}

#[tokio::test(start_paused = true)]
async fn rejections_of_the_parts_inside_are_replaced_with_their_reason() {
    let config = BulkheadConfig {
        maximum_in_flight: 1,
        queue_length: 0,
        ..BulkheadConfig::default()
    };
    let bulkhead = BulkheadLayer::builder("recommendations")
        .config(config)
        .build()
        .unwrap();
    let hanging = bulkhead.layer(tower::service_fn(|_: Request<Bytes>| {
        std::future::pending::<Answer>()
    }));
    let layer = FallbackLayer::builder("recommendations")
        .fallback(popular())
        .build()
        .unwrap();
    let service = layer.layer(hanging);
    let context = CallContext::default();
    let mut first = service.clone().oneshot(get("/")).boxed();
    assert!((&mut first).now_or_never().is_none());
    let answer = context.clone().scope(service.oneshot(get("/"))).await;
    assert_eq!(text(&answer), b"popular");
    assert_eq!(context.ledger().entries()[0].reason, Reason::Full);
}

#[tokio::test(start_paused = true)]
async fn a_dependency_that_is_never_able_is_replaced_too() {
    let bench = bench(popular());
    bench.now_does(Does::IsNeverAble);
    assert_eq!(text(&bench.get("/rows/7").await.0), b"popular");
}

#[tokio::test(start_paused = true)]
async fn without_a_context_answers_stand_in_all_the_same() {
    let bench = bench(popular());
    bench.now_does(Does::Breaks);
    let answer = bench.service.clone().oneshot(get("/rows/7")).await;
    assert_eq!(text(&answer), b"popular");
}

#[tokio::test(start_paused = true)]
async fn each_use_is_an_event_and_is_counted() {
    let bench = bench(popular());
    let mut events = bench.telemetry.subscribe();
    bench.now_does(Does::AnswersWith(500, "broken"));
    bench.get("/rows/7").await.0.unwrap();
    let expected = Event::Degraded {
        dependency: "recommendations".into(),
        reason: "status".into(),
        stood_in: "popular".into(),
        weight: 0.2,
    };
    assert_eq!(events.try_recv().unwrap(), expected);
    let labels = ["recommendations", "popular", "status"];
    assert_eq!(
        bench.telemetry.counter(&names::FALLBACKS, &labels).value(),
        1
    );
}

#[test]
fn every_mistake_is_named() {
    let mistake = |fallback: Fallback, weight: f64| -> ConfigError {
        let builder = FallbackLayer::builder("x")
            .fallback(fallback)
            .weight(weight);
        builder.build().unwrap_err()
    };
    let share = |share| Fallback::new().default_with("x", share, |_| Response::default());
    assert_eq!(
        mistake(share(1.5), 1.0).to_string(),
        "`share` of the fallback is 1.5: expected 0 to 1"
    );
    assert_eq!(mistake(share(f64::NAN), 1.0).key(), "share");
    assert_eq!(mistake(Fallback::new(), -0.1).key(), "weight");
    assert_eq!(
        mistake(Fallback::new().last_good(0, AGE), 1.0).key(),
        "last_good capacity"
    );
    let ageless = Fallback::new().last_good(1, Duration::ZERO);
    assert_eq!(mistake(ageless, 1.0).key(), "last_good maximum_age");
}
