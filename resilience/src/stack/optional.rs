//! A part that may be removed.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

/// A layer, or nothing. Where both sides have the same error, this neither converts it nor moves
/// the answer for that, as tower's `option_layer` would have to.
#[derive(Debug, Clone)]
pub(super) struct Optional<L>(pub(super) Option<L>);

impl<L: Layer<S>, S> Layer<S> for Optional<L> {
    type Service = OptionalService<L::Service, S>;

    fn layer(&self, inner: S) -> Self::Service {
        match &self.0 {
            Some(layer) => OptionalService::Present(layer.layer(inner)),
            None => OptionalService::Absent(inner),
        }
    }
}

/// The part with the service inside it, or that service alone.
#[derive(Debug, Clone)]
pub(super) enum OptionalService<P, S> {
    Present(P),
    Absent(S),
}

impl<P, S, Request> Service<Request> for OptionalService<P, S>
where
    P: Service<Request>,
    S: Service<Request, Response = P::Response, Error = P::Error>,
{
    type Response = P::Response;
    type Error = P::Error;
    type Future = OptionalFuture<P::Future, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), P::Error>> {
        match self {
            Self::Present(part) => part.poll_ready(context),
            Self::Absent(service) => service.poll_ready(context),
        }
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self {
            Self::Present(part) => OptionalFuture::Present {
                future: part.call(request),
            },
            Self::Absent(service) => OptionalFuture::Absent {
                future: service.call(request),
            },
        }
    }
}

pin_project! {
    /// The future of an [`OptionalService`].
    #[project = OptionalProjection]
    pub(super) enum OptionalFuture<P, S> {
        Present { #[pin] future: P },
        Absent { #[pin] future: S },
    }
}

impl<P, S> Future for OptionalFuture<P, S>
where
    P: Future,
    S: Future<Output = P::Output>,
{
    type Output = P::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<P::Output> {
        match self.project() {
            OptionalProjection::Present { future } => future.poll(context),
            OptionalProjection::Absent { future } => future.poll(context),
        }
    }
}
