//! Metrics of *effective* success: calls as their caller sees them, all repairs done.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;
use tracing::Instrument;
use tracing::field::Empty;
use tracing::instrument::Instrumented;

use super::spans;
use crate::BoxError;
use crate::classify::{Classify, Outcome};
use crate::context::{CallContext, Carried, headers};
use crate::fallback::StandInUsed;
use crate::telemetry::{Counter, Histogram, Telemetry, names};

#[derive(Debug)]
struct Handles<C> {
    classify: C,
    client: String,
    full: Counter,
    degraded: Counter,
    failed: Counter,
    seconds: Histogram,
}

/// Wraps a service into an [`Effective`].
#[derive(Debug)]
pub(super) struct EffectiveLayer<C> {
    handles: Arc<Handles<C>>,
}

impl<C> EffectiveLayer<C> {
    pub(super) fn new(client: &str, telemetry: &Telemetry, classify: C) -> Self {
        let outcome = |outcome| telemetry.counter(&names::CLIENT_REQUESTS, &[client, outcome]);
        Self {
            handles: Arc::new(Handles {
                classify,
                client: client.to_owned(),
                full: outcome("full"),
                degraded: outcome("degraded"),
                failed: outcome("failed"),
                seconds: telemetry.histogram(&names::CLIENT_REQUEST_SECONDS, &[client]),
            }),
        }
    }
}

impl<S, C> Layer<S> for EffectiveLayer<C> {
    type Service = Effective<S, C>;

    fn layer(&self, inner: S) -> Effective<S, C> {
        Effective {
            inner,
            handles: Arc::clone(&self.handles),
        }
    }
}

/// Counts calls by what their caller got. It also fixes the context of the call, so that all
/// attempts belong to one trace wherever they run.
#[derive(Debug)]
pub(super) struct Effective<S, C> {
    inner: S,
    handles: Arc<Handles<C>>,
}

// Not derived: that would ask it of the classifier, too.
impl<S: Clone, C> Clone for Effective<S, C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            handles: Arc::clone(&self.handles),
        }
    }
}

impl<S, C, RequestBody, B> Service<Request<RequestBody>> for Effective<S, C>
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

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        let context = CallContext::of(request.extensions()).unwrap_or_default();
        let span = tracing::debug_span!(
            "call",
            client = self.handles.client,
            method = %request.method(),
            path = request.uri().path(),
            trace = format_args!("{:032x}", context.trace().trace_id()),
            status = Empty,
            error = Empty,
        );
        Carried::edit(request.extensions_mut()).context = Some(context);
        ResponseFuture {
            inner: span.in_scope(|| self.inner.call(request)).instrument(span),
            begun: Instant::now(),
            handles: Arc::clone(&self.handles),
        }
    }
}

pin_project! {
    /// The future of [`Effective`]. Dropped before its end it counts nothing: nobody got
    /// anything.
    pub(super) struct ResponseFuture<F, C> {
        #[pin]
        inner: Instrumented<F>,
        begun: Instant,
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
        this.handles.seconds.observe(this.begun.elapsed());
        let outcome = this.handles.classify.classify(result.as_ref());
        match &result {
            Ok(response) if is_degraded(response) => this.handles.degraded.increment(),
            Ok(_) if outcome == Outcome::Failure => this.handles.failed.increment(),
            Ok(_) => this.handles.full.increment(),
            Err(_) => this.handles.failed.increment(),
        }
        Poll::Ready(result)
    }
}

fn is_degraded<B>(response: &Response<B>) -> bool {
    response.extensions().get::<StandInUsed>().is_some()
        || response.headers().contains_key(headers::DEGRADATION)
}
