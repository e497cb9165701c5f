//! The future of an answer that is of no use after the deadline.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, sleep_until};
use tower_service::Service;

use super::DeadlinePassed;
use super::layer::Shared;
use crate::BoxError;
use crate::readiness::EagerFuture;

pin_project! {
    /// Response future of [`DeadlineService`](super::DeadlineService).
    pub struct ResponseFuture<S, Request>
    where
        S: Service<Request>,
    {
        #[pin]
        kind: Kind<S, Request>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<S, Request>
    where
        S: Service<Request>,
    {
        Refused { error: Option<DeadlinePassed> },
        Unlimited { #[pin] future: EagerFuture<S, Request> },
        // Dropped with this future: nobody waits for a read.
        Read {
            #[pin] future: EagerFuture<S, Request>,
            deadline: Instant,
            // Set when the answer is not there at once.
            end: Option<Pin<Box<Sleep>>>,
            shared: Arc<Shared>,
        },
        // A task of its own, which goes on when this future is dropped.
        Write {
            #[pin] task: JoinHandle<Result<S::Response, BoxError>>,
            #[pin] end: Sleep,
            shared: Arc<Shared>,
        },
    }
}

impl<S: Service<Request>, Request> ResponseFuture<S, Request> {
    pub(super) const fn refused(error: DeadlinePassed) -> Self {
        Self {
            kind: Kind::Refused { error: Some(error) },
        }
    }

    pub(super) const fn unlimited(future: EagerFuture<S, Request>) -> Self {
        Self {
            kind: Kind::Unlimited { future },
        }
    }

    pub(super) const fn read(
        future: EagerFuture<S, Request>,
        deadline: Instant,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            kind: Kind::Read {
                future,
                deadline,
                end: None,
                shared,
            },
        }
    }

    pub(super) fn write(
        task: JoinHandle<Result<S::Response, BoxError>>,
        deadline: Instant,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            kind: Kind::Write {
                task,
                end: sleep_until(deadline),
                shared,
            },
        }
    }
}

impl<S, Request> Future for ResponseFuture<S, Request>
where
    S: Service<Request, Error = BoxError>,
{
    type Output = Result<S::Response, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProjection::Refused { error } => match error.take() {
                Some(error) => Poll::Ready(Err(error.into())),
                None => Poll::Pending,
            },
            KindProjection::Unlimited { future } => future.poll(context),
            KindProjection::Read {
                future,
                deadline,
                end,
                shared,
            } => {
                if let Poll::Ready(result) = future.poll(context) {
                    return Poll::Ready(result);
                }
                let end = end.get_or_insert_with(|| Box::pin(sleep_until(*deadline)));
                std::task::ready!(end.as_mut().poll(context));
                shared.expire_read();
                Poll::Ready(Err(DeadlinePassed::during_work(&shared.name).into()))
            }
            KindProjection::Write { task, end, shared } => {
                if let Poll::Ready(joined) = task.poll(context) {
                    return Poll::Ready(joined.unwrap_or_else(|error| Err(error.into())));
                }
                std::task::ready!(end.poll(context));
                shared.expire_write();
                Poll::Ready(Err(DeadlinePassed::during_work(&shared.name).into()))
            }
        }
    }
}
