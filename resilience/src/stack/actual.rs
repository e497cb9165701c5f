//! Metrics of *actual* success: attempts as the dependency answered them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;
use tracing::Instrument;
use tracing::field::Empty;
use tracing::instrument::Instrumented;

use super::spans;
use crate::BoxError;
use crate::classify::{Classify, Outcome};
use crate::telemetry::{Counter, Telemetry, names};

#[derive(Debug)]
struct Handles<C> {
    classify: C,
    client: String,
    success: Counter,
    failure: Counter,
    neutral: Counter,
}

/// Wraps a service into an [`Actual`].
#[derive(Debug)]
pub(super) struct ActualLayer<C> {
    handles: Arc<Handles<C>>,
}

impl<C> ActualLayer<C> {
    pub(super) fn new(client: &str, telemetry: &Telemetry, classify: C) -> Self {
        let outcome = |outcome: Outcome| {
            telemetry.counter(&names::CLIENT_ATTEMPTS, &[client, outcome.as_str()])
        };
        Self {
            handles: Arc::new(Handles {
                classify,
                client: client.to_owned(),
                success: outcome(Outcome::Success),
                failure: outcome(Outcome::Failure),
                neutral: outcome(Outcome::Neutral),
            }),
        }
    }
}

impl<S, C> Layer<S> for ActualLayer<C> {
    type Service = Actual<S, C>;

    fn layer(&self, inner: S) -> Actual<S, C> {
        Actual {
            inner,
            handles: Arc::clone(&self.handles),
        }
    }
}

/// Counts attempts by what came of them; what the parts inside reject is neutral.
#[derive(Debug)]
pub(super) struct Actual<S, C> {
    inner: S,
    handles: Arc<Handles<C>>,
}

// Not derived: that would ask it of the classifier, too.
impl<S: Clone, C> Clone for Actual<S, C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            handles: Arc::clone(&self.handles),
        }
    }
}

impl<S, C, RequestBody, B> Service<Request<RequestBody>> for Actual<S, C>
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = BoxError>,
    C: Classify<Response<B>, BoxError>,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = ResponseFuture<S::Future, C>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let span = tracing::debug_span!(
            "attempt",
            client = self.handles.client,
            status = Empty,
            error = Empty
        );
        ResponseFuture {
            inner: span.in_scope(|| self.inner.call(request)).instrument(span),
            handles: Arc::clone(&self.handles),
        }
    }
}

pin_project! {
    /// The future of [`Actual`].
    pub(super) struct ResponseFuture<F, C> {
        #[pin]
        inner: Instrumented<F>,
        handles: Arc<Handles<C>>,
    }
}

impl<F, C, B> Future for ResponseFuture<F, C>
where
    F: Future<Output = Result<Response<B>, BoxError>>,
    C: Classify<Response<B>, BoxError>,
{
    type Output = Result<Response<B>, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut inner = this.inner;
        let result = ready!(inner.as_mut().poll(context));
        spans::end(inner.span(), &result);
        match this.handles.classify.classify(result.as_ref()) {
            Outcome::Success => this.handles.success.increment(),
            Outcome::Failure => this.handles.failure.increment(),
            Outcome::Neutral => this.handles.neutral.increment(),
        }
        Poll::Ready(result)
    }
}
