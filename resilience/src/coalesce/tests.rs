use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use tokio::time::{Instant, sleep, timeout};
use tower::{Layer, Service, ServiceExt, service_fn};

use super::*;
use crate::BoxError;
use crate::body::ResponseBody;
use crate::context::{CallContext, Priority, TraceContext};
use crate::deadline::{DeadlineLayer, DeadlinePassed};
use crate::retry::{RetryConfig, RetryLayer};
use crate::telemetry::{Telemetry, names};

fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// What a script does with its nth call.
type Step = fn(usize) -> Result<&'static str, BoxError>;

#[derive(Clone)]
struct Script {
    sent: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
    takes: Duration,
    step: Step,
}

impl Script {
    fn new(step: Step) -> Self {
        Self {
            sent: Arc::default(),
            ended: Arc::default(),
            takes: millis(100),
            step,
        }
    }

    fn service(
        &self,
    ) -> impl Service<
        Request<()>,
        Response = Response<&'static str>,
        Error = BoxError,
        Future: Send + 'static,
    >
    + Clone
    + Send
    + 'static
    + use<> {
        let script = self.clone();
        service_fn(move |_: Request<()>| {
            let script = script.clone();
            async move {
                let number = script.sent.fetch_add(1, Ordering::Relaxed);
                sleep(script.takes).await;
                script.ended.fetch_add(1, Ordering::Relaxed);
                (script.step)(number).map(Response::new)
            }
        })
    }

    fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    fn ended(&self) -> usize {
        self.ended.load(Ordering::Relaxed)
    }
}

fn layer() -> CoalesceLayer<&'static str> {
    CoalesceLayer::builder("metadata").build()
}

fn get(target: &str) -> Request<()> {
    Request::builder().uri(target).body(()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn identical_reads_share_one_call_and_others_do_not() {
    let registry = prometheus::Registry::new();
    let telemetry = Telemetry::new(&registry).unwrap();
    let layer: CoalesceLayer<&'static str> = CoalesceLayer::builder("metadata")
        .telemetry(telemetry.clone())
        .build();
    let script = Script::new(|_| Ok("a title"));
    let client = layer.layer(script.service());
    let calls = ["/7", "/7", "/8", "/7"].map(|target| client.clone().oneshot(get(target)));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(*answer.unwrap().body(), "a title");
    }
    assert_eq!(script.sent(), 2);
    let counted = |role| {
        let labels = ["metadata", role];
        telemetry.counter(&names::COALESCED, &labels).value()
    };
    assert_eq!((counted("leader"), counted("follower")), (2, 2));
    assert_eq!(layer.shared().flights.len(), 0, "nothing is kept");

    client.oneshot(get("/7")).await.unwrap();
    assert_eq!(script.sent(), 3, "an answer is not kept");
}

#[tokio::test(start_paused = true)]
async fn writes_are_never_shared() {
    let script = Script::new(|_| Ok("done"));
    let client = layer().layer(script.service());
    let post = || {
        let request = Request::builder().method(Method::POST);
        request.uri("/7").body(()).unwrap()
    };
    let (first, second) = tokio::join!(
        client.clone().oneshot(post()),
        client.clone().oneshot(post())
    );
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(script.sent(), 2);
}

/// Regression of a pitfall: followers that fail since the leader was cancelled.
#[tokio::test(start_paused = true)]
async fn the_leaders_cancellation_does_not_fail_the_followers() {
    let script = Script::new(|_| Ok("a title"));
    let client = layer().layer(script.service());
    let leader = timeout(millis(30), client.clone().oneshot(get("/7")));
    let began = Instant::now();
    let (cancelled, answer) = tokio::join!(leader, client.clone().oneshot(get("/7")));
    assert!(cancelled.is_err());
    assert_eq!(*answer.unwrap().body(), "a title");
    assert_eq!((script.sent(), began.elapsed()), (1, millis(100)));
}

#[tokio::test(start_paused = true)]
async fn the_call_is_cancelled_when_nobody_waits_any_more() {
    let script = Script::new(|_| Ok("a title"));
    let layer = layer();
    let client = layer.layer(script.service());
    let one = || timeout(millis(30), client.clone().oneshot(get("/7")));
    let (first, second) = tokio::join!(one(), one());
    assert!(first.is_err() && second.is_err());
    assert_eq!(layer.shared().flights.len(), 0);
    sleep(millis(500)).await;
    assert_eq!((script.sent(), script.ended()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_shared_with_its_source() {
    let script = Script::new(|_| Err("scripted".into()));
    let client = layer().layer(script.service());
    let calls = [0; 3].map(|_| client.clone().oneshot(get("/7")));
    for result in futures_util::future::join_all(calls).await {
        let error = result.unwrap_err();
        let shared = error.downcast_ref::<SharedError>().unwrap();
        assert_eq!(shared.get_ref().to_string(), "scripted");
        assert!(std::error::Error::source(shared).is_some());
    }
    assert_eq!(script.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_follower_with_time_left_calls_for_itself_when_only_the_leader_had_none() {
    let script = Script::new(|number| match number {
        0 => Err(DeadlinePassed::during_work("metadata").into()),
        _ => Ok("a title"),
    });
    let client = layer().layer(script.service());
    let calls = [0; 4].map(|_| client.clone().oneshot(get("/7")));
    let results = futures_util::future::join_all(calls).await;
    let failed = results.iter().filter(|result| result.is_err()).count();
    // The three others share the second call.
    assert_eq!((failed, script.sent()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn each_caller_keeps_its_own_deadline() {
    let script = Script::new(|_| Ok("a title"));
    let deadline = DeadlineLayer::builder("metadata").build().unwrap();
    let client = deadline.layer(layer().layer(script.service()));
    let within = |left| {
        let mut request = get("/7");
        let end = Instant::now() + millis(left);
        let context = CallContext::new(Some(end), Priority::default(), TraceContext::begin());
        request.extensions_mut().insert(context);
        client.clone().oneshot(request)
    };
    let (patient, hasty) = tokio::join!(within(500), within(60));
    assert!(patient.is_ok());
    assert!(hasty.is_err());
    assert_eq!(script.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_still_streams_goes_to_one_caller() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&sent);
    let service = service_fn(move |_: Request<()>| {
        counting.fetch_add(1, Ordering::Relaxed);
        async {
            sleep(millis(10)).await;
            let large = http_body_util::Full::new(Bytes::from(vec![0; 100]));
            let body = ResponseBody::collect(large, 10).await?;
            Ok::<_, BoxError>(Response::new(body))
        }
    });
    let client = CoalesceLayer::builder("metadata").build().layer(service);
    let calls = [0; 3].map(|_| client.clone().oneshot(get("/7")));
    for answer in futures_util::future::join_all(calls).await {
        let body = answer.unwrap().into_body().into_bytes().await.unwrap();
        assert_eq!(body.len(), 100);
    }
    assert_eq!(sent.load(Ordering::Relaxed), 3);
}

/// Regression: the session that was begun for one caller was given to all of them.
#[tokio::test(start_paused = true)]
async fn what_is_meant_for_one_caller_goes_to_one_and_the_others_call_by_themselves() {
    for header in [("set-cookie", "session=1"), ("cache-control", "private")] {
        let sent = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&sent);
        let service = service_fn(move |_: Request<()>| {
            let number = counting.fetch_add(1, Ordering::Relaxed);
            async move {
                sleep(millis(100)).await;
                let answer = Response::builder().header(header.0, header.1);
                Ok::<_, BoxError>(answer.body(number)?)
            }
        });
        let client = CoalesceLayer::builder("sessions").build().layer(service);
        let began = Instant::now();
        let calls = [0; 5].map(|_| client.clone().oneshot(get("/session")));
        let answers = futures_util::future::join_all(calls).await;
        let mut numbers: Vec<_> = answers
            .into_iter()
            .map(|it| it.unwrap().into_body())
            .collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [0, 1, 2, 3, 4], "{header:?}");
        assert_eq!(began.elapsed(), millis(200), "not one after the other");
    }
}

/// Regression: a failure that was not repeated since its leader had no time went to followers who
/// had.
#[tokio::test(start_paused = true)]
async fn a_failure_that_only_the_leader_had_no_time_to_repeat_is_not_shared() {
    let script = Script::new(|number| match number {
        0 | 1 => Err("scripted".into()),
        _ => Ok("a title"),
    });
    let retry = RetryLayer::builder("metadata")
        .config(
            RetryConfig::new()
                .maximum_attempts(2)
                .waits(std::iter::once(millis(300))),
        )
        .build()
        .unwrap();
    let client = layer().layer(retry.layer(script.service()));
    let within = |left| {
        let mut request = get("/7");
        let end = Instant::now() + millis(left);
        let context = CallContext::new(Some(end), Priority::default(), TraceContext::begin());
        request.extensions_mut().insert(context);
        client.clone().oneshot(request)
    };
    let (hasty, patient, as_hasty) = tokio::join!(within(200), within(2_000), within(200));
    assert!(hasty.is_err());
    assert!(as_hasty.is_err());
    assert_eq!(*patient.unwrap().body(), "a title");
    assert_eq!(script.sent(), 3);
}
