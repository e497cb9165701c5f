//! Who gets a place when, through the service.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};
use tower::{Layer, Service, ServiceExt, service_fn};

use super::*;
use crate::BoxError;
use crate::classify::HttpClassify;
use crate::concurrency::{AdaptiveLimit, Order, QueueDelay};
use crate::context::{CallContext, Priority, TraceContext};

const WORK: Duration = Duration::from_millis(50);

fn one_at_a_time() -> BulkheadConfig {
    BulkheadConfig {
        maximum_in_flight: 1,
        queue_length: 10,
        queue_wait: Duration::from_secs(10),
        ..BulkheadConfig::default()
    }
}

/// Sends calls a millisecond apart, and returns which were let in, in that order.
async fn order_of(config: BulkheadConfig, calls: &[(u32, Priority)], work: Duration) -> Vec<u32> {
    let layer = BulkheadLayer::builder("metadata").config(config);
    let let_in = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&let_in);
    let service = layer.build().unwrap().layer(service_fn(move |call: u32| {
        notes.lock().push(call);
        async move {
            sleep(work).await;
            Ok::<_, BoxError>(())
        }
    }));
    let running = calls
        .iter()
        .enumerate()
        .map(async |(turn, (call, priority))| {
            sleep(Duration::from_millis(turn as u64)).await;
            let context = CallContext::new(None, *priority, TraceContext::begin());
            context.scope(service.clone().oneshot(*call)).await
        });
    join_all(running).await;
    let order = let_in.lock();
    order.clone()
}

fn alike(calls: u32) -> Vec<(u32, Priority)> {
    (0..calls).map(|call| (call, Priority::Default)).collect()
}

#[tokio::test(start_paused = true)]
async fn first_come_is_first_served() {
    assert_eq!(
        order_of(one_at_a_time(), &alike(4), WORK).await,
        [0, 1, 2, 3]
    );
}

#[tokio::test(start_paused = true)]
async fn the_last_one_goes_first_once_the_queue_has_stood() {
    let lifo = |after| BulkheadConfig {
        order: Order::AdaptiveLifo { after },
        ..one_at_a_time()
    };
    let order = order_of(lifo(WORK / 2), &alike(4), WORK).await;
    assert_eq!(order, [0, 3, 2, 1]);
    let order = order_of(lifo(Duration::from_secs(60)), &alike(4), WORK).await;
    assert_eq!(order, [0, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn who_has_waited_in_vain_for_an_interval_is_turned_away() {
    let config = BulkheadConfig {
        queue_delay: Some(QueueDelay::new(WORK / 10, WORK * 2)),
        ..one_at_a_time()
    };
    let begun = Instant::now();
    let let_in = order_of(config, &alike(11), WORK).await.len();
    assert!((2..8).contains(&let_in), "{let_in} of 11");
    assert!(begun.elapsed() < WORK * 8, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_matters_more_goes_first_where_that_is_asked_for() {
    let calls = [
        (0, Priority::Default),
        (1, Priority::Sheddable),
        (2, Priority::Default),
        (3, Priority::Critical),
    ];
    let config = BulkheadConfig {
        by_priority: true,
        ..one_at_a_time()
    };
    assert_eq!(order_of(config, &calls, WORK).await, [0, 3, 2, 1]);
    assert_eq!(order_of(one_at_a_time(), &calls, WORK).await, [0, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn an_adaptive_limit_follows_what_calls_take() {
    let limit = AdaptiveLimit::aimd(WORK).bounds(2, 100);
    let layer = BulkheadLayer::builder("metadata")
        .config(BulkheadConfig {
            adaptive: Some(limit),
            ..one_at_a_time()
        })
        .build()
        .unwrap();
    let service = layer.layer(service_fn(async |work: Duration| {
        sleep(work).await;
        Ok::<_, BoxError>(())
    }));
    let storm = async |work: Duration| {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            let calls = (0..8).map(|_| service.clone().oneshot(work));
            join_all(calls).await;
        }
        layer.handle().status().limit
    };
    let quick = storm(WORK / 5).await;
    assert!(quick >= 8, "{quick}");
    let slow = storm(WORK * 2).await;
    assert!(slow < quick / 2, "{slow} after {quick}");
}

/// What a service does with a call.
#[derive(Debug, Clone, Copy)]
enum Call {
    Works(Duration),
    Refuses,
    Answers500,
}

/// Sends eight calls at once, again and again for five seconds.
async fn storm<S>(service: &S, calls: [Call; 8])
where
    S: Service<Call, Response = http::Response<()>> + Clone,
{
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        join_all(calls.map(|call| service.clone().oneshot(call))).await;
        sleep(Duration::from_millis(1)).await;
    }
}

fn gradient_layer() -> BulkheadLayer<HttpClassify> {
    let limit = AdaptiveLimit::gradient()
        .bounds(2, 100)
        .remeasure_every(Duration::from_hours(1));
    BulkheadLayer::builder("metadata")
        .config(BulkheadConfig::new().adaptive(limit))
        .classify(HttpClassify::server_errors())
        .build()
        .unwrap()
}

async fn answers(call: Call) -> Result<http::Response<()>, BoxError> {
    let mut answer = http::Response::new(());
    match call {
        Call::Works(time) => sleep(time).await,
        Call::Refuses => return Err("connection refused".into()),
        Call::Answers500 => *answer.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR,
    }
    Ok(answer)
}

/// Regression: what is down refuses at once, which was taken for how quick it is without a queue,
/// and left the limit at its least for as long as nobody measured anew.
#[tokio::test(start_paused = true)]
async fn an_outage_teaches_an_adaptive_limit_nothing() {
    let works = Call::Works(WORK);
    for fails in [Call::Refuses, Call::Answers500] {
        let layer = gradient_layer();
        let service = layer.layer(service_fn(answers));
        storm(&service, [works; 8]).await;
        let before = layer.handle().status().limit;
        storm(
            &service,
            [works, fails, fails, works, fails, fails, fails, fails],
        )
        .await;
        assert!(layer.handle().status().limit >= before, "{fails:?}, mixed");
        storm(&service, [fails; 8]).await;
        assert!(layer.handle().status().limit >= before, "{fails:?}, all");
        storm(&service, [works; 8]).await;
        assert!(layer.handle().status().limit >= before, "{fails:?}, over");
    }
}

#[tokio::test(start_paused = true)]
async fn callers_that_go_away_at_once_teach_it_nothing() {
    let layer = gradient_layer();
    let service = layer.layer(service_fn(answers));
    storm(&service, [Call::Works(WORK); 8]).await;
    let before = layer.handle().status().limit;
    for _ in 0..1_000 {
        let call = service.clone().oneshot(Call::Works(WORK));
        let patience = Duration::from_millis(1);
        assert!(tokio::time::timeout(patience, call).await.is_err());
    }
    storm(&service, [Call::Works(WORK); 8]).await;
    assert!(layer.handle().status().limit >= before);
}

#[tokio::test(start_paused = true)]
async fn callers_that_wait_longer_than_usual_in_vain_do() {
    for limit in [AdaptiveLimit::gradient(), AdaptiveLimit::aimd(WORK)] {
        let layer = BulkheadLayer::builder("metadata")
            .config(BulkheadConfig::new().adaptive(limit.bounds(2, 100)))
            .build()
            .unwrap();
        let service = layer.layer(service_fn(answers));
        storm(&service, [Call::Works(WORK / 2); 8]).await;
        let before = layer.handle().status().limit;
        for _ in 0..100 {
            // It stalls, and the deadline outside the bulkhead ends every call.
            let stalls = [Call::Works(WORK * 100); 8].map(|call| service.clone().oneshot(call));
            let _ = tokio::time::timeout(WORK * 3, join_all(stalls)).await;
        }
        let after = layer.handle().status().limit;
        assert!(after <= before / 2, "{after} after {before}");
    }
}
