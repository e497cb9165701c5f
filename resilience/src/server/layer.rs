//! The layer and the service, which walk a request through the stages.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::Either;
use tokio::time::Instant;
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;
use tracing::Instrument;

use super::answer::{self, ServerBody};
use super::boundary::{self, Boundary};
use super::count::Counts;
use super::queue::{NoPlace, Queue};
use super::work;
use crate::BoxError;
use crate::deadline::only_reads;
use crate::ledger::Reason;

/// What all services of a layer share.
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) boundary: Boundary,
    pub(super) enabled: bool,
    pub(super) default_deadline: Option<Duration>,
    pub(super) exempt: Vec<String>,
    pub(super) queue: Queue,
    pub(super) counts: Counts,
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
        ServerService {
            inner,
            shared: Arc::clone(&self.shared),
        }
    }
}

/// The server side around a service; see the [module](super).
#[derive(Clone)]
pub struct ServerService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S: fmt::Debug> fmt::Debug for ServerService<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ServerService")
            .field("inner", &self.inner)
            .field("name", &self.shared.name)
            .finish_non_exhaustive()
    }
}

impl<S, A, B> Service<Request<A>> for ServerService<S>
where
    S: Service<Request<A>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError> + Send + 'static,
    S::Future: Send + 'static,
    A: Send + 'static,
    B: Send + 'static,
{
    type Response = Response<ServerBody<B>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The service inside is waited for in its place in the order: behind the queue.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let inner = self.inner.clone();
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            if !shared.enabled {
                return Ok(pass(inner, request).await);
            }
            Ok(serve(&shared, inner, request).await)
        })
    }
}

async fn pass<S, A, B>(inner: S, request: Request<A>) -> Response<ServerBody<B>>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Error: Into<BoxError>,
{
    match inner.oneshot(request).await {
        Ok(response) => response.map(Either::Left),
        Err(error) => {
            let error: BoxError = error.into();
            tracing::error!(%error, "a handler failed: {error}");
            answer::broken()
        }
    }
}

async fn serve<S, A, B>(shared: &Shared, inner: S, request: Request<A>) -> Response<ServerBody<B>>
where
    S: Service<Request<A>, Response = Response<B>> + Send + 'static,
    S::Error: Into<BoxError> + Send + 'static,
    S::Future: Send + 'static,
    A: Send + 'static,
    B: Send + 'static,
{
    let begun = Instant::now();
    let _in_flight = shared.counts.in_flight.track();
    let (mut parts, body) = request.into_parts();
    let route = shared.counts.route(&parts);
    let context = shared
        .boundary
        .enter(&mut parts.headers, shared.default_deadline);
    parts.extensions.insert(context.clone());
    let span = tracing::debug_span!(
        "request",
        server = shared.name,
        method = %parts.method,
        path = parts.uri.path(),
        trace = format_args!("{:032x}", context.trace().trace_id()),
    );

    let is_exempt = shared.exempt.iter().any(|path| path == parts.uri.path());
    let reads = only_reads(&parts.method);
    let is_late = context.remaining().is_some_and(|left| left.is_zero());
    let handling = inner.oneshot(Request::from_parts(parts, body));
    let mut response = if is_late {
        shared
            .counts
            .rejected("deadline", "deadline", Reason::Deadline);
        answer::too_late()
    } else if is_exempt {
        work::run(handling, context.clone(), reads, &shared.counts)
            .instrument(span)
            .await
    } else {
        match shared.queue.enter().await {
            Ok(_place) => {
                work::run(handling, context.clone(), reads, &shared.counts)
                    .instrument(span)
                    .await
            }
            Err(no_place) => {
                let kind = match no_place {
                    NoPlace::Full => "full",
                    NoPlace::TooLate => "timeout",
                };
                shared.counts.rejected("queue", kind, Reason::Full);
                answer::overloaded()
            }
        }
    };

    let status = response.status();
    let degraded = boundary::leave(response.headers_mut(), status, &context);
    shared
        .counts
        .answered(&route, status, begun.elapsed(), degraded);
    response
}
