use std::time::Duration;

use http::{Request, Response};
use tokio::time::Instant;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::*;
use crate::BoxError;
use crate::context::{CallContext, Priority, TraceContext};
use crate::deadline::Deadline;
use crate::ledger::Reason;
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
    TimeoutLayer::builder("metadata").timeout(TIMEOUT).build()
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_with_its_time() {
    let telemetry = Telemetry::default();
    let layer = TimeoutLayer::builder("metadata")
        .timeout(TIMEOUT)
        .telemetry(telemetry.clone())
        .build();
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
        .build();
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
