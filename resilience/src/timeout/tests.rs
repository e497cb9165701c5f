use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use tokio::time::Instant;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::*;
use crate::BoxError;
use crate::context::{CallContext, Priority, TraceContext};
use crate::deadline::Deadline;
use crate::ledger::Reason;
use crate::quantile::QuantileConfig;
use crate::rejection;
use crate::telemetry::{Telemetry, names};

const TIMEOUT: Duration = Duration::from_millis(300);

async fn attempt(
    layer: &TimeoutLayer,
    takes: Duration,
    request: Request<()>,
) -> Result<Response<()>, BoxError> {
    let answer = move |_: Request<()>| async move {
        tokio::time::sleep(takes).await;
        Ok::<_, BoxError>(Response::new(()))
    };
    layer.layer(service_fn(answer)).oneshot(request).await
}

fn elapsed(result: Result<Response<()>, BoxError>) -> TimeoutElapsed {
    *result.unwrap_err().downcast::<TimeoutElapsed>().unwrap()
}

fn layer() -> TimeoutLayer {
    TimeoutLayer::builder("metadata")
        .timeout(TIMEOUT)
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_with_its_time() {
    let telemetry = Telemetry::default();
    let layer = TimeoutLayer::builder("metadata")
        .timeout(TIMEOUT)
        .telemetry(telemetry.clone())
        .build()
        .unwrap();
    let begun = Instant::now();
    let error = elapsed(attempt(&layer, TIMEOUT * 2, Request::new(())).await);
    assert_eq!(begun.elapsed(), TIMEOUT);
    assert_eq!(error.after(), TIMEOUT);
    assert!(!error.is_cut_by_deadline());
    assert_eq!(
        error.to_string(),
        "no answer from `metadata` within 300.0ms"
    );
    assert_eq!(
        telemetry.counter(&names::TIMEOUTS, &["metadata"]).value(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_at_the_last_moment_is_an_answer() {
    attempt(&layer(), TIMEOUT, Request::new(())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_a_failure_and_no_rejection() {
    let error: BoxError = elapsed(attempt(&layer(), TIMEOUT * 2, Request::new(())).await).into();
    assert!(!rejection::is_rejection(error.as_ref()));
    assert_eq!(rejection::reason(error.as_ref()), Reason::Timeout);
}

#[tokio::test(start_paused = true)]
async fn an_endless_timeout_does_not_panic() {
    let endless = TimeoutLayer::builder("metadata")
        .timeout(Duration::MAX)
        .build()
        .unwrap();
    attempt(&endless, TIMEOUT, Request::new(())).await.unwrap();
}

/// A context whose deadline is so far away.
fn context(left: Duration) -> CallContext {
    let deadline = Instant::now() + left;
    CallContext::new(Some(deadline), Priority::default(), TraceContext::begin())
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_is_nearer_cuts_the_attempt_short() {
    let left = TIMEOUT / 3;
    let mut by_deadline = Request::new(());
    by_deadline
        .extensions_mut()
        .insert(Deadline(Instant::now() + left));
    let error = elapsed(attempt(&layer(), TIMEOUT, by_deadline).await);
    assert_eq!((error.after(), error.is_cut_by_deadline()), (left, true));

    let mut by_context = Request::new(());
    by_context.extensions_mut().insert(context(left));
    let error = elapsed(attempt(&layer(), TIMEOUT, by_context).await);
    assert_eq!((error.after(), error.is_cut_by_deadline()), (left, true));

    let layer = layer();
    let in_task = attempt(&layer, TIMEOUT, Request::new(()));
    let error = elapsed(context(left).scope(in_task).await);
    assert_eq!((error.after(), error.is_cut_by_deadline()), (left, true));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_is_further_away_changes_nothing() {
    let mut request = Request::new(());
    request.extensions_mut().insert(context(TIMEOUT * 2));
    let error = elapsed(attempt(&layer(), TIMEOUT * 3, request).await);
    assert_eq!(
        (error.after(), error.is_cut_by_deadline()),
        (TIMEOUT, false)
    );
}

#[tokio::test(start_paused = true)]
async fn a_write_is_not_cut_short_by_the_deadline() {
    let mut write = Request::put("/positions/7").body(()).unwrap();
    write.extensions_mut().insert(context(TIMEOUT / 3));
    attempt(&layer(), TIMEOUT / 2, write).await.unwrap();
}

fn adaptive() -> TimeoutLayer {
    let quantile = QuantileConfig::new(0.9).minimum_samples(20);
    TimeoutLayer::builder("metadata")
        .timeout(TIMEOUT)
        .adaptive(
            AdaptiveTimeout::new(quantile)
                .factor(2.0)
                .minimum(TIMEOUT / 10),
        )
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_adaptive_timeout_follows_the_latencies_once_it_knows_enough() {
    let layer = adaptive();
    let usual = TIMEOUT / 4;
    let too_long = || attempt(&layer, TIMEOUT * 2, Request::new(()));
    assert_eq!(elapsed(too_long().await).after(), TIMEOUT);
    for _ in 0..40 {
        attempt(&layer, usual, Request::new(())).await.unwrap();
    }
    let after = elapsed(too_long().await).after();
    assert!(
        after >= usual * 2 && after < usual * 2 + TIMEOUT / 20,
        "{after:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_adaptive_timeout_keeps_its_bounds() {
    let layer = adaptive();
    for _ in 0..40 {
        attempt(&layer, Duration::from_micros(10), Request::new(()))
            .await
            .unwrap();
    }
    let too_long = || attempt(&layer, TIMEOUT * 2, Request::new(()));
    assert_eq!(elapsed(too_long().await).after(), TIMEOUT / 10);
}

/// Were timeouts left out, each one would make the next timeout shorter.
#[tokio::test(start_paused = true)]
async fn a_dependency_that_becomes_slow_gets_more_time_and_not_less() {
    let layer = adaptive();
    for _ in 0..40 {
        attempt(&layer, TIMEOUT / 10, Request::new(()))
            .await
            .unwrap();
    }
    let mut given = Vec::new();
    for _ in 0..60 {
        if let Err(error) = attempt(&layer, TIMEOUT / 2, Request::new(())).await {
            given.push(error.downcast::<TimeoutElapsed>().unwrap().after());
        }
    }
    assert!(given.is_sorted(), "{given:?}");
    attempt(&layer, TIMEOUT / 2, Request::new(()))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn numbers_that_cannot_be_are_named() {
    let quantile = QuantileConfig::new(0.9);
    let builder = || TimeoutLayer::builder("metadata");
    let adaptive = AdaptiveTimeout::new;
    for (mistake, key) in [
        (builder().timeout(Duration::ZERO), "timeout"),
        (builder().adaptive(adaptive(quantile).factor(0.5)), "factor"),
        (
            builder().adaptive(adaptive(quantile).factor(f64::NAN)),
            "factor",
        ),
        (
            builder().adaptive(adaptive(quantile).minimum(TIMEOUT * 10)),
            "minimum",
        ),
        (
            builder().adaptive(adaptive(QuantileConfig::new(1.0))),
            "quantile",
        ),
    ] {
        assert_eq!(mistake.build().unwrap_err().key(), key);
    }
    let idle = IdleTimeoutLayer::builder("metadata").idle(Duration::ZERO);
    assert_eq!(idle.build().unwrap_err().key(), "idle");
}

/// Parts of a body, each after so much time.
fn body_of(pauses: Vec<Duration>) -> impl Body<Data = Bytes, Error = BoxError> {
    let parts = stream::iter(pauses).then(async |pause| {
        tokio::time::sleep(pause).await;
        Ok(Frame::data(Bytes::from_static(b"part")))
    });
    StreamBody::new(Box::pin(parts))
}

async fn read(pauses: Vec<Duration>) -> Result<usize, BoxError> {
    let layer = IdleTimeoutLayer::builder("video")
        .idle(TIMEOUT)
        .build()
        .unwrap();
    let service = service_fn(move |_: Request<()>| {
        std::future::ready(Ok::<_, BoxError>(Response::new(body_of(pauses.clone()))))
    });
    let response = layer.layer(service).oneshot(Request::new(())).await?;
    Ok(response.into_body().collect().await?.to_bytes().len())
}

#[tokio::test(start_paused = true)]
async fn a_body_may_take_long_but_not_stand_still() {
    assert_eq!(read(vec![TIMEOUT * 9 / 10; 20]).await.unwrap(), 80);
    let stalled = read(vec![TIMEOUT / 2, TIMEOUT * 2]).await.unwrap_err();
    assert_eq!(stalled.downcast::<BodyStalled>().unwrap().after(), TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_body_without_an_idle_limit_in_sight_is_waited_for() {
    let layer = IdleTimeoutLayer::builder("video")
        .idle(Duration::MAX)
        .build()
        .unwrap();
    let service = layer.layer(service_fn(async |_: Request<()>| {
        let pauses = vec![Duration::from_hours(24 * 30); 2];
        Ok::<_, BoxError>(Response::new(body_of(pauses)))
    }));
    let response = service.oneshot(Request::new(())).await.unwrap();
    let read = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(read.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_not_blamed_on_the_sender() {
    let layer = IdleTimeoutLayer::builder("video")
        .idle(TIMEOUT)
        .build()
        .unwrap();
    let service = service_fn(async |_: Request<()>| {
        Ok::<_, BoxError>(Response::new(body_of(vec![Duration::ZERO; 3])))
    });
    let response = layer
        .layer(service)
        .oneshot(Request::new(()))
        .await
        .unwrap();
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        frame.unwrap();
        tokio::time::sleep(TIMEOUT * 5).await;
    }
}
