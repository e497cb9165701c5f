use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::advance;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;
use tower_service::Service;

use super::*;
use crate::BoxError;
use crate::concurrency::QueueDelay;
use crate::context::{CallContext, Priority, TraceContext};
use crate::ledger::Reason;
use crate::rejection;
use crate::telemetry::{Event, Telemetry, names};

const SECOND: Duration = Duration::from_secs(1);
const WAIT: Duration = Duration::from_millis(100);

type Called = BoxFuture<'static, Result<i64, BoxError>>;

struct Bench {
    telemetry: Telemetry,
    call: Box<dyn Fn(Duration) -> Called>,
}

/// A dependency that answers after the time asked for, with how many calls were under way
/// when this one began.
fn bench(maximum_in_flight: usize, queue_length: usize) -> Bench {
    let telemetry = Telemetry::default();
    let config = BulkheadConfig {
        maximum_in_flight,
        queue_length,
        queue_wait: WAIT,
        ..BulkheadConfig::default()
    };
    let layer = BulkheadLayer::builder("metadata")
        .config(config)
        .telemetry(telemetry.clone())
        .build()
        .unwrap();
    let under_way = Telemetry::default().gauge(&names::SERVER_IN_FLIGHT, &["metadata"]);
    let service = layer.layer(service_fn(move |time: Duration| {
        let under_way = under_way.clone();
        async move {
            let _guard = under_way.track();
            let at_once = under_way.value();
            tokio::time::sleep(time).await;
            Ok::<_, BoxError>(at_once)
        }
    }));
    Bench {
        telemetry,
        call: Box::new(move |time| service.clone().oneshot(time).boxed()),
    }
}

impl Bench {
    /// A call that has begun.
    fn start(&self, time: Duration) -> Called {
        let mut called = (self.call)(time);
        match called.poll_unpin(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => std::future::ready(result).boxed(),
            Poll::Pending => called,
        }
    }

    fn gauges(&self) -> (i64, i64) {
        let gauge = |definition| self.telemetry.gauge(definition, &["metadata"]).value();
        (
            gauge(&names::BULKHEAD_IN_FLIGHT),
            gauge(&names::BULKHEAD_QUEUED),
        )
    }

    fn rejected(&self, reason: &str) -> u64 {
        let labels = ["metadata", reason];
        self.telemetry
            .counter(&names::BULKHEAD_REJECTED, &labels)
            .value()
    }
}

fn full(result: Result<i64, BoxError>) -> BulkheadFull {
    *result.unwrap_err().downcast::<BulkheadFull>().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_admitted_queued_and_rejected_in_this_order() {
    let bench = bench(2, 1);
    let inside = [bench.start(WAIT / 2), bench.start(WAIT / 2)];
    let queued = bench.start(WAIT / 2);
    let rejected = full(bench.start(SECOND).await);
    assert_eq!(bench.gauges(), (2, 1));
    assert_eq!(
        (rejected.name(), rejected.maximum_in_flight()),
        ("metadata", 2)
    );
    assert_eq!(rejected.waited(), Duration::ZERO);
    assert_eq!(
        rejected.to_string(),
        "bulkhead `metadata` is full with 2 calls under way, and so is its queue"
    );
    assert_eq!(bench.rejected("full"), 1);

    for result in futures_util::future::join_all(inside).await {
        assert!(result.unwrap() <= 2);
    }
    assert!(queued.await.unwrap() <= 2);
    assert_eq!(bench.gauges(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_queued_call_is_rejected_when_its_wait_is_over() {
    let bench = bench(1, 1);
    let _inside = bench.start(SECOND);
    let queued = bench.start(SECOND);
    let begun = tokio::time::Instant::now();
    let rejected = full(queued.await);
    assert_eq!(begun.elapsed(), WAIT);
    assert_eq!(rejected.waited(), WAIT);
    assert_eq!(
        rejected.to_string(),
        "bulkhead `metadata` is full with 1 calls under way, none of which ended within 100.0ms"
    );
    assert_eq!(bench.rejected("timeout"), 1);
    assert_eq!(bench.gauges(), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_wait_without_an_end_lasts_until_a_place_is_free() {
    let long = Duration::from_hours(24 * 30);
    let layer = BulkheadLayer::builder("metadata")
        .config(
            BulkheadConfig::new()
                .maximum_in_flight(1)
                .queue(1, Duration::MAX),
        )
        .build()
        .unwrap();
    let service = layer.layer(service_fn(async |time: Duration| {
        tokio::time::sleep(time).await;
        Ok::<_, BoxError>(())
    }));
    let begun = tokio::time::Instant::now();
    let (first, second) = tokio::join!(
        service.clone().oneshot(long),
        service.clone().oneshot(SECOND)
    );
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(begun.elapsed(), long + SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_first_come_first_served() {
    let bench = bench(1, 2);
    let first = bench.start(WAIT / 4);
    let (second, third) = (bench.start(WAIT / 4), bench.start(WAIT / 4));
    let begun = tokio::time::Instant::now();
    let ended = |called: Called| async move {
        called.await.unwrap();
        begun.elapsed()
    };
    let (_, second, third) = tokio::join!(ended(first), ended(second), ended(third));
    assert_eq!((second, third), (WAIT / 2, WAIT / 4 * 3));
}

#[tokio::test(start_paused = true)]
async fn cancelled_calls_give_their_places_back() {
    let bench = bench(1, 1);
    for _ in 0..10 {
        let inside = bench.start(SECOND);
        let queued = bench.start(SECOND);
        assert_eq!(bench.gauges(), (1, 1));
        drop(queued);
        assert_eq!(bench.gauges(), (1, 0));
        drop(inside);
        assert_eq!(bench.gauges(), (0, 0));
    }
    assert_eq!(bench.start(SECOND).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_place_handed_to_a_call_that_is_dropped_goes_on_to_the_next() {
    let bench = bench(1, 2);
    let inside = bench.start(SECOND);
    let (second, third) = (bench.start(SECOND), bench.start(SECOND));
    drop(inside);
    drop(second);
    assert_eq!(third.await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn rejections_are_neutral_and_their_reason_is_full() {
    let bench = bench(1, 0);
    let mut events = bench.telemetry.subscribe();
    let _inside = bench.start(SECOND);
    let error: BoxError = full(bench.start(SECOND).await).into();
    assert!(rejection::is_rejection(error.as_ref()));
    assert_eq!(rejection::reason(error.as_ref()), Reason::Full);
    let expected = Event::Rejected {
        name: "metadata".into(),
        by: "bulkhead".into(),
        reason: "full".into(),
    };
    assert_eq!(events.try_recv().unwrap(), expected);
    advance(SECOND).await;
}

/// A service whose ready handles are counted until they are called or dropped.
#[derive(Default)]
struct Reserving {
    reserved: Arc<AtomicUsize>,
    is_ready: bool,
}

impl Reserving {
    fn give_back(&mut self) {
        if std::mem::take(&mut self.is_ready) {
            self.reserved.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Clone for Reserving {
    fn clone(&self) -> Self {
        Self {
            reserved: Arc::clone(&self.reserved),
            is_ready: false,
        }
    }
}

impl Drop for Reserving {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl Service<()> for Reserving {
    type Response = ();
    type Error = BoxError;
    type Future = std::future::Pending<Result<(), BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.give_back();
        self.is_ready = true;
        self.reserved.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        assert!(self.is_ready, "called without having been ready");
        self.give_back();
        std::future::pending()
    }
}

#[tokio::test(start_paused = true)]
async fn neither_a_queued_nor_a_rejected_call_holds_what_readiness_reserved() {
    let config = BulkheadConfig {
        maximum_in_flight: 1,
        queue_length: 1,
        queue_wait: WAIT,
        ..BulkheadConfig::default()
    };
    let layer = BulkheadLayer::builder("metadata")
        .config(config)
        .build()
        .unwrap();
    let inner = Reserving::default();
    let reserved = Arc::clone(&inner.reserved);
    let service = layer.layer(inner);
    let mut calls = Vec::new();
    for _inside_queued_rejected in 0..3 {
        let mut handle = service.clone();
        handle.ready().await.unwrap();
        assert_eq!(reserved.load(Ordering::Relaxed), 1);
        calls.push(handle.call(()));
        assert_eq!(reserved.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn no_place_at_all_is_a_mistake() {
    let config = BulkheadConfig {
        maximum_in_flight: 0,
        ..BulkheadConfig::default()
    };
    let mistake = BulkheadLayer::builder("metadata")
        .config(config)
        .build()
        .unwrap_err();
    let message = mistake.to_string();
    assert_eq!(
        message,
        "`maximum_in_flight` of the bulkhead is 0: expected at least 1"
    );
}

/// Regression: whoever was turned away before its time was up was told that it had waited for all
/// of it, and whoever had to leave for another that it had not waited at all.
#[tokio::test(start_paused = true)]
async fn a_rejection_says_how_long_the_call_really_waited() {
    let waited = async |config: BulkheadConfig| {
        let layer = BulkheadLayer::builder("metadata").config(config);
        let service = layer.build().unwrap().layer(service_fn(async |(): ()| {
            tokio::time::sleep(WAIT / 2).await;
            Ok::<_, BoxError>(())
        }));
        let calls = [Priority::Default, Priority::Sheddable, Priority::Critical];
        let calls = calls
            .into_iter()
            .zip(0_u32..)
            .map(async |(priority, turn)| {
                tokio::time::sleep(WAIT / 10 * turn).await;
                let context = CallContext::new(None, priority, TraceContext::begin());
                context.scope(service.clone().oneshot(())).await
            });
        let results = futures_util::future::join_all(calls).await;
        let error = results.into_iter().find_map(Result::err).unwrap();
        error.downcast::<BulkheadFull>().unwrap().waited()
    };
    let config = BulkheadConfig::new().maximum_in_flight(1).by_priority(true);
    // The critical call took its place.
    assert_eq!(waited(config.queue(1, WAIT * 9)).await, WAIT / 10);
    // It had become pointless when the first call ended.
    let delay = QueueDelay::new(WAIT / 20, WAIT / 20);
    let config = config.queue(2, WAIT * 9).queue_delay(delay);
    let late = waited(config).await;
    assert!(late < WAIT, "{late:?}");
    assert!(!late.is_zero());
}
