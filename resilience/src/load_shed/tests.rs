use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::header::RETRY_AFTER;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio::time::{Instant, sleep};
use tower::{Layer, ServiceExt, service_fn};

use super::{LoadShedBuilder, LoadShedLayer};
use crate::BoxError;
use crate::concurrency::AdaptiveLimit;
use crate::context::{CallContext, Priority, TraceContext};
use crate::telemetry::{Event, Telemetry, names};

const WORK: Duration = Duration::from_millis(100);

fn one_at_a_time() -> LoadShedBuilder {
    LoadShedLayer::builder("titles").max_in_flight(1)
}

fn request(path: &str, priority: Priority, left: Option<Duration>) -> Request<()> {
    let deadline = left.map(|left| Instant::now() + left);
    let context = CallContext::new(deadline, priority, TraceContext::begin());
    let mut request = Request::get(path).body(()).unwrap();
    request.extensions_mut().insert(context);
    request
}

/// Sends requests at the same moment, and returns their answers and how many were worked on.
async fn send(layer: LoadShedLayer, requests: Vec<Request<()>>) -> (Vec<Response<Bytes>>, usize) {
    use http_body_util::BodyExt;

    let worked_on = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&worked_on);
    let service = layer.layer(service_fn(move |_: Request<()>| {
        counter.fetch_add(1, Ordering::SeqCst);
        async {
            sleep(WORK).await;
            Ok::<_, BoxError>(Response::new(Full::new(Bytes::from("titles"))))
        }
    }));
    let calls = requests.into_iter().map(async |request| {
        let (parts, body) = service.clone().oneshot(request).await.unwrap().into_parts();
        Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
    });
    let answers = join_all(calls).await;
    (answers, worked_on.load(Ordering::SeqCst))
}

fn statuses(answers: &[Response<Bytes>]) -> Vec<u16> {
    answers.iter().map(|it| it.status().as_u16()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_place_is_told_when_to_come_back_and_costs_no_work() {
    for (told, header) in [
        (Some(Duration::from_millis(2_100)), Some("3")),
        (Some(Duration::from_millis(1)), Some("1")),
        (None, None),
    ] {
        let layer = one_at_a_time().queue(0, Duration::ZERO).retry_after(told);
        let get = || request("/titles", Priority::Default, None);
        let begun = Instant::now();
        let (answers, worked_on) = send(layer.build().unwrap(), vec![get(), get()]).await;
        assert_eq!(statuses(&answers), [200, 503]);
        assert_eq!(worked_on, 1);
        assert_eq!(begun.elapsed(), WORK);
        let retry_after = answers[1].headers().get(RETRY_AFTER);
        assert_eq!(retry_after.map(|it| it.to_str().unwrap()), header);
        assert!(
            answers[1]
                .body()
                .starts_with(br#"{"error":{"code":"overloaded""#)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_least_important_is_shed_first() {
    let telemetry = Telemetry::default();
    let layer = one_at_a_time()
        .queue(1, Duration::from_secs(1))
        .telemetry(telemetry.clone());
    let requests = [
        Priority::Default,
        Priority::Sheddable,
        Priority::Critical,
        Priority::Sheddable,
    ];
    let requests = requests.map(|priority| request("/titles", priority, None));
    let (answers, _) = send(layer.build().unwrap(), requests.into()).await;
    // The sheddable one waited already, and had to leave the line to the critical one.
    assert_eq!(statuses(&answers), [200, 503, 200, 503]);
    let shed = |priority| telemetry.counter(&names::SERVER_SHED, &["titles", priority]);
    assert_eq!(shed("sheddable").value(), 2);
    assert_eq!(shed("critical").value() + shed("default").value(), 0);
}

#[tokio::test(start_paused = true)]
async fn health_routes_never_wait_and_take_no_place() {
    let layer = one_at_a_time().queue(0, Duration::ZERO);
    let get = |path| request(path, Priority::Sheddable, None);
    let requests = vec![
        get("/livez"),
        get("/readyz"),
        get("/titles"),
        get("/healthz"),
    ];
    let (answers, _) = send(layer.build().unwrap(), requests).await;
    assert_eq!(statuses(&answers), [200; 4]);

    let layer = one_at_a_time().queue(0, Duration::ZERO).exempt(["/alive"]);
    let requests = vec![get("/titles"), get("/livez"), get("/alive")];
    let (answers, _) = send(layer.build().unwrap(), requests).await;
    assert_eq!(statuses(&answers), [200, 503, 200]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_beyond_the_limit_or_the_deadline_is_not_worked_on() {
    let telemetry = Telemetry::default();
    let mut events = telemetry.subscribe();
    let layer = one_at_a_time()
        .queue(8, WORK / 2)
        .telemetry(telemetry.clone());
    let get = |left| request("/titles", Priority::Default, left);
    let requests = vec![get(None), get(None), get(Some(WORK / 4))];
    let (answers, worked_on) = send(layer.build().unwrap(), requests).await;
    assert_eq!(statuses(&answers), [200, 503, 504]);
    assert_eq!(worked_on, 1);
    let rejected = |reason| telemetry.counter(&names::SERVER_REJECTED, &["titles", reason]);
    assert_eq!(rejected("timeout").value(), 1);
    assert_eq!(rejected("deadline").value(), 1);
    let mut by = Vec::new();
    while let Ok(Event::Rejected { by: part, .. }) = events.try_recv() {
        by.push(part);
    }
    assert_eq!(by, ["deadline", "queue"]);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_service_is_handed_on_and_its_place_is_free_again() {
    let layer = one_at_a_time().queue(0, Duration::ZERO).build().unwrap();
    let failing = layer.layer(service_fn(async |_: Request<()>| {
        Err::<Response<Full<Bytes>>, BoxError>("broken".into())
    }));
    for _ in 0..2 {
        let call = failing.clone().oneshot(Request::new(()));
        assert_eq!(call.await.unwrap_err().to_string(), "broken");
    }
    assert_eq!(layer.handle().status().inside, 0);
}

#[tokio::test(start_paused = true)]
async fn an_adaptive_limit_is_shown() {
    let limit = AdaptiveLimit::gradient().bounds(2, 20);
    let layer = LoadShedLayer::builder("titles").adaptive(limit);
    let status = layer.build().unwrap().handle().status();
    assert_eq!((status.limit, status.is_adaptive), (8, true));
}

#[test]
fn every_mistake_is_named() {
    let nothing = Duration::ZERO;
    for (mistake, key) in [
        (one_at_a_time().max_in_flight(0), "max_in_flight"),
        (one_at_a_time().retry_after(nothing), "retry_after"),
        (
            one_at_a_time().adaptive(AdaptiveLimit::aimd(nothing)),
            "latency",
        ),
    ] {
        assert_eq!(mistake.build().unwrap_err().key(), key);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_frees_its_place() {
    let layer = one_at_a_time().queue(0, Duration::ZERO).build().unwrap();
    let service = layer.layer(service_fn(async |_: Request<()>| {
        sleep(WORK).await;
        Ok::<_, BoxError>(Response::new(Full::new(Bytes::new())))
    }));
    let call = service.clone().oneshot(Request::new(()));
    assert!(tokio::time::timeout(WORK / 2, call).await.is_err());
    let answer = service.oneshot(Request::new(())).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

/// Regression: a handler that fails at once was taken for one that is quick.
#[tokio::test(start_paused = true)]
async fn failures_teach_an_adaptive_limit_nothing() {
    let limit = AdaptiveLimit::gradient().bounds(2, 20);
    let layer = LoadShedLayer::builder("titles").adaptive(limit);
    let layer = layer.build().unwrap();
    let service = layer.layer(service_fn(async |request: Request<()>| {
        let mut answer = Response::new(Full::new(Bytes::new()));
        match request.uri().path() {
            "/broken" => *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
            "/error" => return Err(BoxError::from("broken")),
            _ => sleep(WORK).await,
        }
        Ok(answer)
    }));
    for path in ["/titles", "/broken", "/error", "/titles"] {
        for _ in 0..50 {
            let calls = (0..8).map(|_| request(path, Priority::Default, None));
            join_all(calls.map(|call| service.clone().oneshot(call))).await;
            sleep(WORK / 10).await;
        }
        assert!(layer.handle().status().limit >= 8, "{path}");
    }
}
