//! The duration of each request on the wire, in the words of OpenTelemetry.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Method, Request, Response};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use crate::BoxError;
use crate::rejection;
use crate::telemetry::{End, RequestDurations};

/// Wraps a transport into a [`Semantic`].
#[derive(Debug, Clone)]
pub(super) struct SemanticLayer {
    durations: Option<Arc<RequestDurations>>,
}

impl SemanticLayer {
    /// Nothing is measured without a place to put it.
    pub(super) const fn new(durations: Option<Arc<RequestDurations>>) -> Self {
        Self { durations }
    }
}

impl<S> Layer<S> for SemanticLayer {
    type Service = Semantic<S>;

    fn layer(&self, inner: S) -> Semantic<S> {
        let durations = self.durations.clone();
        Semantic { inner, durations }
    }
}

/// Measures what a service takes for each request.
#[derive(Debug, Clone)]
pub(super) struct Semantic<S> {
    inner: S,
    durations: Option<Arc<RequestDurations>>,
}

impl<S, A, B> Service<Request<A>> for Semantic<S>
where
    S: Service<Request<A>, Response = Response<B>, Error = BoxError>,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let measured = self.durations.as_ref().map(|durations| Measured {
            durations: Arc::clone(durations),
            method: request.method().clone(),
            endpoint: request
                .uri()
                .authority()
                .map(ToString::to_string)
                .unwrap_or_default(),
            begun: Instant::now(),
            is_over: false,
        });
        ResponseFuture {
            future: self.inner.call(request),
            measured,
        }
    }
}

/// A request under way. Dropped without an end it was cancelled, as by a timeout.
struct Measured {
    durations: Arc<RequestDurations>,
    method: Method,
    endpoint: String,
    begun: Instant,
    is_over: bool,
}

impl Measured {
    fn end(&mut self, end: End) {
        self.is_over = true;
        let took = self.begun.elapsed();
        self.durations
            .observe(&self.method, &self.endpoint, end, took);
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        if !self.is_over {
            self.end(End::Error("cancelled"));
        }
    }
}

pin_project! {
    /// The future of [`Semantic`].
    pub(super) struct ResponseFuture<F> {
        #[pin]
        future: F,
        measured: Option<Measured>,
    }
}

impl<F, B> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, BoxError>>,
{
    type Output = Result<Response<B>, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.future.poll(context));
        if let Some(measured) = this.measured {
            measured.end(match &result {
                // A client error is the client's, and so an error on this side of the wire.
                Ok(response) => End::Status {
                    code: response.status().as_u16(),
                    is_error: response.status().as_u16() >= 400,
                },
                Err(error) => End::Error(rejection::reason(error.as_ref()).as_str()),
            });
        }
        Poll::Ready(result)
    }
}
