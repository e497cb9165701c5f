//! The layer and the service: metrics and trace, boundary and ledger, and catch-panic around
//! the rest.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Either;
use tokio::time::Instant;
use tower::ServiceExt;
use tower_http::catch_panic::{CatchPanic, CatchPanicLayer};
use tower_layer::Layer;
use tower_service::Service;
use tracing::Instrument;

use super::answer::ServerBody;
use super::boundary::{self, Boundary};
use super::builder::PriorityOf;
use super::count::Counts;
use super::guarded::Guarded;
use super::panics::PanicAnswer;
use crate::BoxError;
use crate::concurrency::LimitHandle;
use crate::context::{CallContext, Carried};
use crate::fault::Faults;
use crate::load_shed::Shedder;
use crate::rate_limit::RateLimiter;

/// What all services of a layer share.
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) boundary: Boundary,
    pub(super) enabled: bool,
    pub(super) default_deadline: Option<Duration>,
    pub(super) reserve: Duration,
    pub(super) exempt: Vec<String>,
    pub(super) priority: Option<PriorityOf>,
    pub(super) rate_limit: Option<RateLimiter>,
    pub(super) faults: Option<Faults>,
    pub(super) deadlines: bool,
    pub(super) catch_panics: bool,
    pub(super) shedder: Option<Shedder>,
    pub(super) counts: Counts,
}

impl Shared {
    /// Until when a request may take, where that is minded.
    pub(super) fn deadline_of(&self, context: &CallContext) -> Option<Instant> {
        context.deadline().filter(|_| self.deadlines)
    }

    /// Whether requests for `path` are never refused.
    pub(super) fn is_exempt(&self, path: &str) -> bool {
        self.exempt.iter().any(|exempt| exempt == path)
    }
}

/// The server side as a layer; see the [module](super).
#[derive(Clone)]
pub struct ServerLayer {
    shared: Arc<Shared>,
}

impl ServerLayer {
    pub(super) fn new(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
        }
    }

    /// How many requests a caller may make, where that is limited.
    pub fn rate_limit(&self) -> Option<&RateLimiter> {
        self.shared.rate_limit.as_ref()
    }

    /// The faults that were given to it, if any.
    pub fn faults(&self) -> Option<&Faults> {
        self.shared.faults.as_ref()
    }

    /// How many requests are worked on and wait, to look at; `None` where that is not limited.
    pub fn limit(&self) -> Option<LimitHandle> {
        self.shared.shedder.as_ref().map(Shedder::handle)
    }
}

impl fmt::Debug for ServerLayer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ServerLayer")
            .field("name", &self.shared.name)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        let guarded = Guarded::new(inner, Arc::clone(&self.shared));
        let panics = PanicAnswer(Arc::clone(&self.shared));
        ServerService {
            inner: CatchPanicLayer::custom(panics).layer(guarded),
            shared: Arc::clone(&self.shared),
        }
    }
}

/// The server side around a service; see the [module](super).
#[derive(Clone)]
pub struct ServerService<S> {
    inner: CatchPanic<Guarded<S>, PanicAnswer>,
    shared: Arc<Shared>,
}

impl<S> fmt::Debug for ServerService<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ServerService")
            .field("name", &self.shared.name)
            .finish_non_exhaustive()
    }
}

impl<S, A, B> Service<Request<A>> for ServerService<S>
where
    S: Service<Request<A>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    A: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ServerBody<B>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The handler is waited for in its place in the order: behind the queue.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        if !self.shared.enabled {
            let handling = self.inner.get_ref().get_ref().clone().oneshot(request);
            return Box::pin(async move { Ok(handling.await?.map(Either::Right)) });
        }
        let inner = self.inner.clone();
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { Ok(serve(&shared, inner, request).await?.map(Either::Left)) })
    }
}

/// Metrics and trace, boundary and ledger.
async fn serve<S, A, B>(
    shared: &Shared,
    inner: S,
    request: Request<A>,
) -> Result<Response<B>, Infallible>
where
    S: Service<Request<A>, Response = Response<B>, Error = Infallible>,
{
    let begun = Instant::now();
    let _in_flight = shared.counts.in_flight.track();
    let (mut parts, body) = request.into_parts();
    let route = shared.counts.route(&parts);
    let priority = shared.priority.as_ref().map(|of| of(&parts));
    let context = shared.boundary.enter(
        &mut parts.headers,
        priority,
        shared.default_deadline,
        shared.reserve,
    );
    Carried::forget(&mut parts.extensions);
    parts.extensions.insert(context.clone());
    let method = parts.method.clone();
    let span = tracing::debug_span!(
        "request",
        server = shared.name,
        method = %parts.method,
        path = parts.uri.path(),
        trace = format_args!("{:032x}", context.trace().trace_id()),
    );

    let handling = inner.oneshot(Request::from_parts(parts, body));
    let mut response = handling.instrument(span).await?;

    let status = response.status();
    let is_degraded = boundary::leave(response.headers_mut(), status, &context);
    shared
        .counts
        .answered(&method, &route, status, begun.elapsed(), is_degraded);
    Ok(response)
}
