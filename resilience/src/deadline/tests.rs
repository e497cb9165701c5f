use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::{Method, Request};
use tokio::time::Instant;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::{Deadline, DeadlineLayer, DeadlinePassed};
use crate::BoxError;
use crate::context::{CallContext, Priority, TraceContext};
use crate::telemetry::{Event, Telemetry, names};

const LIMIT: Duration = Duration::from_millis(100);

fn request(method: Method) -> Request<()> {
    Request::builder().method(method).body(()).unwrap()
}

/// Sends one request to a service that takes `work` and then counts.
async fn send(
    method: Method,
    work: Duration,
    context: Option<CallContext>,
) -> (Result<Option<Duration>, BoxError>, Arc<AtomicU32>) {
    let finished = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&finished);
    let inner = service_fn(move |request: Request<()>| {
        let counter = Arc::clone(&counter);
        async move {
            let left = Deadline::of(request.extensions()).map(|end| end - Instant::now());
            tokio::time::sleep(work).await;
            counter.fetch_add(1, Ordering::SeqCst);
            Ok::<_, BoxError>(left)
        }
    });
    let layer = DeadlineLayer::builder("metadata")
        .limit(LIMIT)
        .reserve(Duration::from_millis(10))
        .build()
        .unwrap();
    let mut request = request(method);
    if let Some(context) = context {
        request.extensions_mut().insert(context);
    }
    (layer.layer(inner).oneshot(request).await, finished)
}

fn with_left(left: Duration) -> CallContext {
    let end = Instant::now() + left;
    CallContext::new(Some(end), Priority::default(), TraceContext::begin())
}

fn passed(result: Result<Option<Duration>, BoxError>) -> DeadlinePassed {
    *result.unwrap_err().downcast::<DeadlinePassed>().unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_hop_takes_what_is_left_minus_a_reserve() {
    let quick = Duration::from_millis(1);
    let (left, _) = send(Method::GET, quick, None).await;
    assert_eq!(left.unwrap(), Some(LIMIT));
    let context = Some(with_left(Duration::from_millis(50)));
    let (left, _) = send(Method::GET, quick, context).await;
    assert_eq!(left.unwrap(), Some(Duration::from_millis(40)));
    let context = Some(with_left(Duration::from_secs(50)));
    let (left, _) = send(Method::GET, quick, context).await;
    assert_eq!(left.unwrap(), Some(LIMIT));
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_time_is_up_is_refused_before_work() {
    let (result, finished) =
        send(Method::PUT, Duration::ZERO, Some(with_left(Duration::ZERO))).await;
    assert!(!passed(result).began());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(finished.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn expiry_drops_a_read_and_lets_a_write_run_to_its_end() {
    for (method, expected) in [(Method::GET, 0), (Method::PUT, 1), (Method::POST, 1)] {
        let begun = Instant::now();
        let (result, finished) = send(method.clone(), LIMIT * 3, None).await;
        assert!(passed(result).began());
        assert_eq!(begun.elapsed(), LIMIT);
        tokio::time::sleep(LIMIT * 5).await;
        assert_eq!(finished.load(Ordering::SeqCst), expected, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_time_is_the_answer() {
    for method in [Method::GET, Method::PUT] {
        let (result, finished) = send(method, LIMIT / 2, None).await;
        assert!(result.is_ok());
        assert_eq!(finished.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_deadlines_do_is_counted_and_told() {
    let telemetry = Telemetry::default();
    let mut events = telemetry.subscribe();
    let layer = DeadlineLayer::builder("metadata")
        .limit(LIMIT)
        .telemetry(telemetry.clone())
        .build()
        .unwrap();
    let service = layer.layer(service_fn(|_: Request<()>| async {
        tokio::time::sleep(LIMIT * 2).await;
        Ok::<_, BoxError>(())
    }));
    let mut late = request(Method::GET);
    late.extensions_mut().insert(Deadline(Instant::now()));
    for request in [request(Method::GET), request(Method::PUT), late] {
        assert!(service.clone().oneshot(request).await.is_err());
    }
    for event in ["refused", "expired-read", "expired-write"] {
        let labels = ["metadata", event];
        let counted = telemetry.counter(&names::DEADLINES, &labels).value();
        assert_eq!(counted, 1, "{event}");
    }
    let refused = Event::Rejected {
        name: "metadata".to_owned(),
        by: "deadline".to_owned(),
        reason: "deadline".to_owned(),
    };
    let expired = |goes_on| Event::DeadlineExpired {
        name: "metadata".to_owned(),
        goes_on,
    };
    assert_eq!(events.try_recv().unwrap(), expired(false));
    assert_eq!(events.try_recv().unwrap(), expired(true));
    assert_eq!(events.try_recv().unwrap(), refused);
}

#[test]
fn whoever_is_late_hears_by_how_much_and_whether_work_had_begun() {
    let before = DeadlinePassed::before_work("metadata", Duration::from_millis(7));
    assert_eq!(
        before.to_string(),
        "the deadline had passed 7ms before `metadata` could begin"
    );
    let during = DeadlinePassed::during_work("metadata");
    assert_eq!(
        during.to_string(),
        "the deadline passed while `metadata` was at work"
    );
    assert_eq!((before.name(), during.name()), ("metadata", "metadata"));
}

#[tokio::test]
async fn a_limit_of_zero_is_refused_and_none_leaves_only_what_is_left() {
    let zero = DeadlineLayer::builder("metadata").limit(Duration::ZERO);
    assert_eq!(
        zero.build().unwrap_err().to_string(),
        "`limit` of the deadline is 0s: expected more than 0 s"
    );
    let none = DeadlineLayer::builder("metadata").limit(None).build();
    let left = service_fn(async |request: Request<()>| {
        Ok::<_, BoxError>(Deadline::of(request.extensions()).is_some())
    });
    let service = none.unwrap().layer(left);
    let mut with_context = request(Method::GET);
    with_context.extensions_mut().insert(with_left(LIMIT));
    assert!(service.clone().oneshot(with_context).await.unwrap());
    assert!(!service.oneshot(request(Method::GET)).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_reserve_beyond_the_end_of_time_leaves_nothing_and_such_a_limit_limits_nothing() {
    let work = service_fn(async |request: Request<()>| {
        Ok::<_, BoxError>(Deadline::of(request.extensions()).map(|end| end - Instant::now()))
    });
    let mut late = request(Method::GET);
    late.extensions_mut().insert(with_left(LIMIT));
    let layer = DeadlineLayer::builder("metadata")
        .reserve(Duration::MAX)
        .build()
        .unwrap();
    assert!(!passed(layer.layer(work).oneshot(late).await).began());

    let endless = DeadlineLayer::builder("metadata")
        .limit(Duration::MAX)
        .build()
        .unwrap();
    let left = endless.layer(work).oneshot(request(Method::GET)).await;
    assert_eq!(left.unwrap(), None);
}
