//! The response future.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use super::error::BulkheadFull;
use super::places::{Place, Places, QueuePlace};
use crate::BoxError;
use crate::classify::{AnyAnswer, Classify, Outcome};
use crate::concurrency::{Ended, Refused};
use crate::readiness::EagerFuture;
use crate::rejection;
use crate::timeout::TimeoutElapsed;

pin_project! {
    /// Response future of [`Bulkhead`](super::Bulkhead).
    pub struct ResponseFuture<S, Request, C = AnyAnswer>
    where
        S: Service<Request>,
    {
        #[pin]
        stage: Stage<S, Request>,
        classify: C,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<S, Request>
    where
        S: Service<Request>,
    {
        // In a box, so that a call that need not wait is not as large as one that must.
        Queued { queued: Pin<Box<Queued<S, Request>>> },
        Entered {
            #[pin]
            future: EagerFuture<S, Request>,
            place: Place,
        },
        Rejected {
            error: Option<BulkheadFull>,
        },
    }
}

pin_project! {
    #[project = QueuedProjection]
    struct Queued<S, Request> {
        places: Arc<Places>,
        place: QueuePlace,
        #[pin]
        patience: Sleep,
        call: Option<(S, Request)>,
    }
}

impl<S, Request, C> ResponseFuture<S, Request, C>
where
    S: Service<Request>,
{
    pub(super) const fn entered(
        future: EagerFuture<S, Request>,
        place: Place,
        classify: C,
    ) -> Self {
        Self {
            stage: Stage::Entered { future, place },
            classify,
        }
    }

    pub(super) fn queued(
        places: Arc<Places>,
        place: QueuePlace,
        inner: S,
        request: Request,
        classify: C,
    ) -> Self {
        let patience = sleep(places.queue_wait());
        Self {
            stage: Stage::Queued {
                queued: Box::pin(Queued {
                    places,
                    place,
                    patience,
                    call: Some((inner, request)),
                }),
            },
            classify,
        }
    }

    pub(super) const fn rejected(error: BulkheadFull, classify: C) -> Self {
        Self {
            stage: Stage::Rejected { error: Some(error) },
            classify,
        }
    }
}

impl<S, Request, C> Future for ResponseFuture<S, Request, C>
where
    S: Service<Request>,
    S::Error: Into<BoxError>,
    C: Classify<S::Response, BoxError>,
{
    type Output = Result<S::Response, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut stage = this.stage;
        loop {
            let next = match stage.as_mut().project() {
                StageProjection::Entered { future, place } => {
                    let result = ready!(future.poll(context)).map_err(Into::into);
                    if place.asks() {
                        place.ended(judge(this.classify, &result));
                    }
                    return Poll::Ready(result);
                }
                StageProjection::Queued { queued } => {
                    let QueuedProjection {
                        places,
                        place,
                        patience,
                        call,
                    } = queued.as_mut().project();
                    let called = Pin::new(&mut place.waiting).poll(context);
                    if called.is_pending() && patience.poll(context).is_pending() {
                        return Poll::Pending;
                    }
                    match (called, call.take()) {
                        (Poll::Ready(Ok(place)), Some((inner, request))) => Stage::Entered {
                            future: EagerFuture::waiting(inner, request),
                            place: places.taken(place),
                        },
                        (Poll::Ready(Err(Refused::Full)), _) => Stage::Rejected {
                            error: Some(places.queue_full(place.since.elapsed())),
                        },
                        _ => Stage::Rejected {
                            error: Some(places.waited_in_vain(place.since.elapsed())),
                        },
                    }
                }
                StageProjection::Rejected { error } => {
                    return match error.take() {
                        Some(error) => Poll::Ready(Err(error.into())),
                        // Only a future that already gave its answer comes here.
                        None => Poll::Pending,
                    };
                }
            };
            stage.set(next);
        }
    }
}

fn judge<R, C: Classify<R, BoxError>>(classify: &C, result: &Result<R, BoxError>) -> Ended {
    if let Err(error) = result
        && rejection::find::<TimeoutElapsed>(error.as_ref()).is_some()
    {
        return Ended::Overloaded;
    }
    match classify.classify(result.as_ref()) {
        Outcome::Success => Ended::Well,
        Outcome::Failure | Outcome::Neutral => Ended::Failed,
    }
}
