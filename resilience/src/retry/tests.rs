//! The retry in front of scripted services, in paused time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use parking_lot::Mutex;
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt, service_fn};

use super::*;
use crate::BoxError;
use crate::balance::Tried;
use crate::context::{CallContext, Priority, TraceContext};
use crate::telemetry::{Event, Telemetry, names};
use crate::transport::{TransportError, TransportErrorKind};

/// What a scripted service does with one attempt.
#[derive(Debug, Clone, Copy)]
enum Act {
    Answer(u16),
    /// An answer of 503 that says it is not to be repeated.
    Marked,
    Refuse(&'static str),
    Unreachable,
    Reset,
}

use Act::{Answer, Marked, Refuse, Reset, Unreachable};

/// Plays the acts one after the other and the last one for ever; notes when each began.
#[derive(Clone)]
struct Script {
    acts: Arc<Mutex<VecDeque<Act>>>,
    begun: Arc<Mutex<Vec<Instant>>>,
}

impl Script {
    fn new(acts: impl IntoIterator<Item = Act>) -> Self {
        Self {
            acts: Arc::new(Mutex::new(acts.into_iter().collect())),
            begun: Arc::default(),
        }
    }

    fn attempts(&self) -> usize {
        self.begun.lock().len()
    }

    fn play(&self) -> Result<Response<()>, BoxError> {
        self.begun.lock().push(Instant::now());
        let mut acts = self.acts.lock();
        let act = if acts.len() > 1 {
            acts.pop_front()
        } else {
            acts.front().copied()
        };
        let wire = |kind, endpoint| Err(TransportError::new(kind, endpoint, "scripted").into());
        match act.unwrap() {
            Answer(status) => Ok(Response::builder().status(status).body(()).unwrap()),
            Marked => Ok(Response::builder()
                .status(503)
                .header("aplomb-no-retry", "1")
                .body(())
                .unwrap()),
            Refuse(endpoint) => wire(TransportErrorKind::Refused, endpoint),
            Unreachable => wire(TransportErrorKind::Connect, "a:1"),
            Reset => wire(TransportErrorKind::Reset, "a:1"),
        }
    }

    fn service(
        &self,
    ) -> impl Service<Request<&'static str>, Response = Response<()>, Error = BoxError> + Clone + use<>
    {
        let script = self.clone();
        service_fn(move |_: Request<&'static str>| std::future::ready(script.play()))
    }
}

fn request(method: Method) -> Request<&'static str> {
    Request::builder().method(method).body("position").unwrap()
}

fn layer(config: RetryConfig) -> RetryLayer {
    RetryLayer::builder("metadata")
        .config(config)
        .build()
        .unwrap()
}

/// Attempts that one call takes, and the status or error it ends with.
async fn send(script: &Script, method: Method) -> (usize, String) {
    let retry = layer(RetryConfig::new()).layer(script.service());
    let result = retry.oneshot(request(method)).await;
    let ending = match result {
        Ok(answer) => answer.status().as_u16().to_string(),
        Err(error) => error.to_string(),
    };
    (script.attempts(), ending)
}

#[tokio::test(start_paused = true)]
async fn a_read_is_repeated_up_to_the_maximum() {
    for (acts, expected) in [
        (vec![Answer(200)], (1, "200")),
        (vec![Answer(404)], (1, "404")),
        (vec![Answer(503), Answer(200)], (2, "200")),
        (vec![Reset, Answer(500), Answer(200)], (3, "200")),
        (vec![Unreachable, Answer(200)], (2, "200")),
        (vec![Answer(500)], (3, "500")),
        (vec![Reset], (3, "`a:1` broke the connection off")),
    ] {
        let script = Script::new(acts.clone());
        let (attempts, ending) = send(&script, Method::GET).await;
        assert_eq!((attempts, ending.as_str()), expected, "{acts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_without_a_key_is_repeated_only_if_nothing_was_sent() {
    for (acts, expected) in [
        (
            vec![Reset, Answer(200)],
            (1, "`a:1` broke the connection off"),
        ),
        (vec![Answer(503), Answer(200)], (1, "503")),
        (vec![Refuse("a:1"), Answer(200)], (2, "200")),
        (vec![Unreachable, Answer(200)], (2, "200")),
        (
            vec![Refuse("a:1"), Refuse("b:1"), Refuse("a:1"), Answer(200)],
            (3, "`a:1` refused the connection"),
        ),
    ] {
        let script = Script::new(acts.clone());
        let (attempts, ending) = send(&script, Method::POST).await;
        assert_eq!((attempts, ending.as_str()), expected, "{acts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_with_a_key_is_repeated() {
    let script = Script::new([Reset, Answer(200)]);
    let mut write = request(Method::POST);
    write
        .headers_mut()
        .insert("idempotency-key", "7f".parse().unwrap());
    let retry = layer(RetryConfig::new()).layer(script.service());
    assert_eq!(retry.oneshot(write).await.unwrap().status(), StatusCode::OK);
    assert_eq!(script.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn refusals_cost_neither_time_nor_budget_nor_attempts() {
    let config = RetryConfig::new().budget(0.0, 0).maximum_attempts(1);
    let retry =
        layer(config).layer(Script::new([Refuse("a:1"), Refuse("b:1"), Answer(200)]).service());
    let start = Instant::now();
    let answer = retry.oneshot(request(Method::POST)).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_marked_answer_is_not_repeated() {
    let script = Script::new([Marked, Answer(200)]);
    assert_eq!(send(&script, Method::GET).await, (1, "503".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn the_budget_bounds_repetitions_of_all_clones_and_says_so_once() {
    let telemetry = Telemetry::default();
    let mut events = telemetry.subscribe();
    let script = Script::new([Answer(503)]);
    let retry = RetryLayer::builder("metadata")
        .config(RetryConfig::new().budget(0.1, 1))
        .telemetry(telemetry.clone())
        .build()
        .unwrap()
        .layer(script.service());
    let calls = (0..100).map(|_| retry.clone().oneshot(request(Method::GET)));
    futures_util::future::join_all(calls).await;
    // 10 for the calls and 10 for ten seconds.
    assert_eq!(script.attempts(), 100 + 20);
    let client = "metadata".to_owned();
    let told = std::iter::from_fn(|| events.try_recv().ok());
    let news: Vec<_> = told.filter(|event| !event.comes_once_per_call()).collect();
    assert_eq!(news, [Event::RetryBudgetExhausted { client }]);
    let count = |result| {
        telemetry
            .counter(&names::RETRIES, &["metadata", result])
            .value()
    };
    assert_eq!((count("succeeded"), count("failed")), (0, 20));
    assert!(count("no-budget") >= 90);
}

/// Sends a read in a context whose deadline is `left` away; returns the attempts and the context.
async fn send_in_context(script: &Script, left: Duration) -> (usize, CallContext) {
    let end = Instant::now() + left;
    let context = CallContext::new(Some(end), Priority::default(), TraceContext::begin());
    let retry = layer(RetryConfig::new()).layer(script.service());
    let mut read = request(Method::GET);
    read.extensions_mut().insert(context.clone());
    retry.oneshot(read).await.unwrap();
    (script.attempts(), context)
}

#[tokio::test(start_paused = true)]
async fn giving_up_marks_the_context_and_success_does_not() {
    let long = Duration::from_secs(9);
    for (acts, is_marked) in [
        (vec![Answer(200)], false),
        (vec![Answer(503), Answer(200)], false),
        (vec![Answer(404)], false),
        (vec![Answer(503)], true),
        (vec![Marked], true),
    ] {
        let (_, context) = send_in_context(&Script::new(acts.clone()), long).await;
        assert_eq!(context.is_not_retryable(), is_marked, "{acts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_repetition_that_cannot_fit_is_not_begun_and_leaves_it_to_the_caller() {
    let script = Script::new([Answer(503)]);
    let (attempts, context) = send_in_context(&script, Duration::from_millis(4)).await;
    assert_eq!(attempts, 1);
    assert!(!context.is_not_retryable());
    let (attempts, _) = send_in_context(&script, Duration::from_millis(40)).await;
    assert_eq!(attempts, 1 + 3);
}

#[tokio::test(start_paused = true)]
async fn waits_are_jittered_bounded_and_the_same_for_the_same_seed() {
    let waits = async |seed| {
        let script = Script::new([Answer(503)]);
        let retry = RetryLayer::builder("metadata")
            .config(RetryConfig::new().maximum_attempts(5))
            .seed(seed)
            .build()
            .unwrap()
            .layer(script.service());
        retry.oneshot(request(Method::GET)).await.unwrap();
        let begun = script.begun.lock();
        begun
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .collect::<Vec<_>>()
    };
    let first = waits(1).await;
    assert_eq!(first, waits(1).await);
    assert_ne!(first, waits(2).await);
    // The timer of tokio rounds up to whole milliseconds.
    for (wait, bound) in first.iter().zip([10, 20, 40, 80]) {
        assert!(*wait <= Duration::from_millis(bound + 1), "{first:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_attempt_sends_the_same_and_shares_what_was_tried() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    let service = service_fn(move |request: Request<&'static str>| {
        let tried = Tried::of(request.extensions()).cloned().unwrap();
        assert!(tried.is_repeatable());
        notes.lock().push((*request.body(), request.uri().clone()));
        std::future::ready(Ok::<_, BoxError>(
            Response::builder().status(500).body(()).unwrap(),
        ))
    });
    let mut put = request(Method::PUT);
    *put.uri_mut() = "/positions/7".parse().unwrap();
    layer(RetryConfig::new())
        .layer(service)
        .oneshot(put)
        .await
        .unwrap();
    let expected = ("position", "/positions/7".parse().unwrap());
    assert_eq!(*seen.lock(), vec![expected; 3]);
}

/// A service that answers 503 with this `Retry-After` once, and then 200.
async fn waited_for(
    retry_after: &str,
    left: Option<Duration>,
    config: RetryConfig,
) -> (u16, Duration) {
    let retry_after = retry_after.to_owned();
    let attempts = Arc::new(Mutex::new(0));
    let service = service_fn(move |_: Request<&'static str>| {
        let mut attempts = attempts.lock();
        *attempts += 1;
        let answer = match *attempts {
            1 => Response::builder()
                .status(503)
                .header("retry-after", &retry_after),
            _ => Response::builder(),
        };
        std::future::ready(Ok::<_, BoxError>(answer.body(()).unwrap()))
    });
    let mut request = request(Method::GET);
    if let Some(left) = left {
        let deadline = crate::deadline::Deadline(Instant::now() + left);
        request.extensions_mut().insert(deadline);
    }
    let begun = Instant::now();
    let answer = layer(config).layer(service).oneshot(request).await.unwrap();
    (answer.status().as_u16(), begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for_where_it_fits() {
    let second = Duration::from_secs(1);
    let config = RetryConfig::new;
    let (status, waited) = waited_for("2", None, config()).await;
    assert_eq!((status, waited.as_secs()), (200, 2));
    let (status, waited) = waited_for("2", Some(second * 3), config()).await;
    assert_eq!((status, waited.as_secs()), (200, 2));
    let past = "Fri, 31 Dec 1999 23:59:59 GMT";
    let (status, waited) = waited_for(past, Some(second), config()).await;
    assert_eq!((status, waited.as_secs()), (200, 0));
}

#[tokio::test(start_paused = true)]
async fn retry_after_beyond_the_deadline_is_not_waited_for() {
    let second = Duration::from_secs(1);
    let config = RetryConfig::new;
    for (asked_for, left, config) in [
        ("2", Some(second), config()),
        ("31", None, config()),
        ("2", None, config().longest_wait(second)),
        ("99999999999999999999999", None, config()),
        ("Tue, 31 Dec 2999 23:59:59 GMT", None, config()),
    ] {
        let (status, waited) = waited_for(asked_for, left, config).await;
        assert_eq!((status, waited), (503, Duration::ZERO), "{asked_for}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_statuses_that_are_repeated_can_be_chosen() {
    let config = || RetryConfig::new().statuses([StatusCode::TOO_MANY_REQUESTS]);
    for (acts, expected) in [(vec![Answer(429), Answer(200)], 2), (vec![Answer(503)], 1)] {
        let script = Script::new(acts);
        let retry = layer(config()).layer(script.service());
        retry.oneshot(request(Method::GET)).await.unwrap();
        assert_eq!(script.attempts(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn the_errors_that_are_repeated_can_be_chosen() {
    let only_unreachable = |error: &(dyn std::error::Error + 'static)| {
        TransportError::find(error).is_some_and(|error| error.kind() == TransportErrorKind::Connect)
    };
    for (acts, expected) in [
        (vec![Unreachable, Answer(200)], 2),
        (vec![Reset, Answer(200)], 1),
        (vec![Refuse("a:1"), Answer(200)], 2),
    ] {
        let script = Script::new(acts);
        let config = RetryConfig::new().errors(only_unreachable);
        let _ = layer(config)
            .layer(script.service())
            .oneshot(request(Method::GET))
            .await;
        assert_eq!(script.attempts(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn any_iterator_says_how_long_to_wait() {
    let waits = [70, 300].map(Duration::from_millis);
    let script = Script::new([Answer(500)]);
    let config = RetryConfig::new().waits(waits.into_iter());
    let begun = Instant::now();
    let retry = layer(config).layer(script.service());
    retry.oneshot(request(Method::GET)).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_millis(370));
}

#[tokio::test(start_paused = true)]
async fn a_wait_without_an_end_is_not_begun() {
    let script = Script::new([Answer(500)]);
    let config = RetryConfig::new().waits(std::iter::repeat(Duration::MAX));
    let begun = Instant::now();
    let retry = layer(config).layer(script.service());
    let answer = retry.oneshot(request(Method::GET)).await.unwrap();
    assert_eq!((answer.status().as_u16(), script.attempts()), (500, 1));
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn each_repetition_is_told_and_each_giving_up_counted() {
    let telemetry = Telemetry::default();
    let mut events = telemetry.subscribe();
    let config = RetryConfig::new().waits(std::iter::repeat(Duration::from_millis(20)));
    let layer = RetryLayer::builder("metadata")
        .config(config)
        .telemetry(telemetry.clone())
        .build()
        .unwrap();
    for (acts, repetitions, result) in [
        (vec![Answer(503), Answer(200)], 1, "succeeded"),
        (vec![Answer(503)], 2, "exhausted"),
        (vec![Marked], 0, "final"),
        (vec![Refuse("a:1"), Answer(200)], 1, "succeeded"),
    ] {
        let counter = telemetry.counter(&names::RETRIES, &["metadata", result]);
        let before = counter.value();
        let retry = layer.layer(Script::new(acts.clone()).service());
        let _ = retry.oneshot(request(Method::GET)).await;
        assert_eq!(counter.value(), before + 1, "{acts:?}");
        let wait = if matches!(acts[0], Refuse(_)) { 0 } else { 20 };
        for _ in 0..repetitions {
            let told = Event::Retried {
                client: "metadata".to_owned(),
                after_ms: wait,
            };
            assert_eq!(events.try_recv().unwrap(), told, "{acts:?}");
        }
        assert!(events.try_recv().is_err(), "{acts:?}");
    }
}
