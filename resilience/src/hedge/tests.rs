use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::BoxError;
use crate::context::{CallContext, Priority, TraceContext};
use crate::quantile::QuantileConfig;
use crate::telemetry::{Telemetry, names};

fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// What one attempt does: after so many milliseconds it answers with this status, or fails.
type Step = (u64, Option<u16>);

/// A service that follows a script, one step per attempt, and knows how many are under way.
#[derive(Clone, Default)]
struct Script {
    steps: Arc<Mutex<VecDeque<Step>>>,
    sent: Arc<AtomicUsize>,
    under_way: Arc<AtomicUsize>,
}

struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Script {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: Arc::new(Mutex::new(steps.into_iter().collect())),
            ..Self::default()
        }
    }

    async fn attempt(self) -> Result<Response<usize>, BoxError> {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        self.under_way.fetch_add(1, Ordering::Relaxed);
        let _under_way = UnderWay(Arc::clone(&self.under_way));
        let step = self.steps.lock().pop_front();
        let (after, status) = step.unwrap_or((1, Some(200)));
        sleep(millis(after)).await;
        let status = status.ok_or("scripted")?;
        let mut response = Response::new(number);
        *response.status_mut() = StatusCode::from_u16(status)?;
        Ok(response)
    }

    fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    async fn call(
        &self,
        layer: &HedgeLayer,
        request: Request<()>,
    ) -> Result<Response<usize>, BoxError> {
        let script = self.clone();
        let service = service_fn(move |_: Request<()>| script.clone().attempt());
        layer.layer(service).oneshot(request).await
    }
}

fn layer(config: HedgeConfig) -> HedgeLayer {
    HedgeLayer::builder("metadata")
        .config(config)
        .build()
        .unwrap()
}

fn after_50() -> HedgeLayer {
    layer(HedgeConfig::after(millis(50)))
}

fn get() -> Request<()> {
    Request::new(())
}

#[tokio::test(start_paused = true)]
async fn a_quick_call_is_sent_once() {
    let script = Script::new([(49, Some(200))]);
    assert!(script.call(&after_50(), get()).await.is_ok());
    assert_eq!(script.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_call_is_sent_again_and_the_loser_is_cancelled() {
    let script = Script::new([(500, Some(200)), (10, Some(200))]);
    let began = Instant::now();
    let answer = script.call(&after_50(), get()).await.unwrap();
    assert_eq!(answer.into_body(), 1, "the hedge answered");
    assert_eq!(began.elapsed(), millis(60));
    assert_eq!((script.sent(), script.under_way()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn the_first_attempt_may_still_win() {
    let script = Script::new([(70, Some(200)), (500, Some(200))]);
    let answer = script.call(&after_50(), get()).await.unwrap();
    assert_eq!(answer.into_body(), 0);
    assert_eq!((script.sent(), script.under_way()), (2, 0));
}

/// Regression of a pitfall: a hedge that returns whichever ends first, even an error.
#[tokio::test(start_paused = true)]
async fn pitfall_a_hedge_ends_with_an_error_that_comes_first() {
    for failure in [None, Some(503)] {
        let first_fails = Script::new([(60, failure), (50, Some(200))]);
        let answer = first_fails.call(&after_50(), get()).await.unwrap();
        assert_eq!(answer.into_body(), 1);

        let hedge_fails = Script::new([(200, Some(200)), (5, failure)]);
        let answer = hedge_fails.call(&after_50(), get()).await.unwrap();
        assert_eq!(answer.into_body(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn where_all_fail_the_failure_of_the_first_is_told() {
    let script = Script::new([(60, Some(500)), (50, Some(503))]);
    let answer = script.call(&after_50(), get()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_failed_early_is_not_hedged() {
    let script = Script::new([(10, None)]);
    let began = Instant::now();
    assert!(script.call(&after_50(), get()).await.is_err());
    assert_eq!((script.sent(), began.elapsed()), (1, millis(10)));
}

/// Regression: a write that may be repeated was sent twice at the same time.
#[tokio::test(start_paused = true)]
async fn pitfall_what_may_not_be_repeated_is_hedged() {
    for (method, key, sent) in [
        (Method::GET, None, 2),
        (Method::HEAD, None, 2),
        (Method::POST, None, 1),
        (Method::POST, Some("7f"), 1),
        (Method::PUT, None, 1),
        (Method::DELETE, None, 1),
    ] {
        let mut request = Request::builder().method(&method);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let script = Script::new([(500, Some(200))]);
        let answer = script.call(&after_50(), request.body(()).unwrap()).await;
        assert!(answer.is_ok());
        assert_eq!(script.sent(), sent, "{method} {key:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_hedge_starts_that_has_no_time() {
    let deadline = |left| {
        let mut request = get();
        let end = Instant::now() + millis(left);
        let context = CallContext::new(Some(end), Priority::default(), TraceContext::begin());
        request.extensions_mut().insert(context);
        request
    };
    let script = Script::new([(500, Some(200))]);
    assert!(script.call(&after_50(), deadline(54)).await.is_ok());
    assert_eq!(script.sent(), 1);
    let script = Script::new([(500, Some(200))]);
    assert!(script.call(&after_50(), deadline(55)).await.is_ok());
    assert_eq!(script.sent(), 2);
}

#[tokio::test(start_paused = true)]
async fn each_further_hedge_waits_for_its_own_delay() {
    let config = HedgeConfig::after(millis(50)).maximum_hedges(2);
    let script = Script::new([(500, Some(200)), (500, Some(200)), (10, Some(200))]);
    let began = Instant::now();
    let answer = script.call(&layer(config), get()).await.unwrap();
    assert_eq!((answer.into_body(), began.elapsed()), (2, millis(110)));
    assert_eq!(script.under_way(), 0);
}

/// Regression of a pitfall: an exhausted budget must not kill attempts in flight.
#[tokio::test(start_paused = true)]
async fn pitfall_an_exhausted_budget_ends_attempts_under_way() {
    let config = HedgeConfig::after(millis(50)).budget(0.1, 0);
    let registry = prometheus::Registry::new();
    let telemetry = Telemetry::new(&registry).unwrap();
    let layer = HedgeLayer::builder("metadata")
        .config(config)
        .telemetry(telemetry.clone())
        .build()
        .unwrap();
    let script = Script::new((0..20).map(|_| (100, Some(200))));
    for _ in 0..10 {
        assert!(script.call(&layer, get()).await.is_ok());
    }
    // A tenth of ten calls is one hedge.
    assert_eq!(script.sent(), 11);
    let counted = |result| {
        telemetry
            .counter(&names::HEDGES, &["metadata", result])
            .value()
    };
    assert_eq!(counted("no-budget"), 9);
    assert_eq!(counted("won") + counted("lost"), 1);
}

#[tokio::test(start_paused = true)]
async fn the_delay_follows_the_latencies() {
    let quantile = QuantileConfig::new(0.9).minimum_samples(20);
    let config = HedgeConfig::after_quantile(quantile, millis(300)).budget(1.0, 10);
    let layer = layer(config);
    let script = Script::new((0..20).map(|_| (20, Some(200))));
    for _ in 0..20 {
        assert!(script.call(&layer, get()).await.is_ok());
    }
    assert_eq!(script.sent(), 20);

    let script = Script::new([(500, Some(200)), (20, Some(200))]);
    let began = Instant::now();
    assert!(script.call(&layer, get()).await.is_ok());
    assert!(began.elapsed() <= millis(42), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn dropping_the_call_cancels_every_attempt() {
    let script = Script::new([(500, Some(200)), (500, Some(200))]);
    let layer = after_50();
    let call = tokio::time::timeout(millis(100), script.call(&layer, get()));
    assert!(call.await.is_err());
    assert_eq!((script.sent(), script.under_way()), (2, 0));
}

#[test]
fn numbers_that_cannot_be_are_errors() {
    let after = HedgeConfig::after;
    for config in [
        after(Duration::ZERO),
        after(millis(5)).maximum_hedges(0),
        after(millis(5)).budget(f64::NAN, 1),
        after(millis(5)).budget(-0.1, 1),
        HedgeConfig::after_quantile(QuantileConfig::new(1.5), millis(5)),
        HedgeConfig::after_quantile(QuantileConfig::new(0.5), Duration::ZERO),
    ] {
        assert!(HedgeLayer::builder("x").config(config).build().is_err());
    }
    let forever = HedgeLayer::builder("x").config(after(Duration::MAX));
    assert!(forever.build().is_ok());
}
