//! Inside catch-panic: rate limit, deadline refusal, queue, deadline cancel, handler.

use std::convert::Infallible;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{Either, Full};
use tokio::time::{Instant, timeout_at};
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;
use tracing::Instrument;

use super::answer::{self, GuardedBody};
use super::layer::Shared;
use crate::BoxError;
use crate::answer::too_late;
use crate::concurrency::Place;
use crate::context::CallContext;
use crate::deadline::only_reads;
use crate::fault::{FaultLayer, FaultService, FaultyBody};
use crate::load_shed::ended;

/// Lets a request through to the handler when there is time and place for it, and no longer
/// than there is time.
#[derive(Clone)]
pub(super) struct Guarded<S> {
    inner: FaultService<S>,
    shared: Arc<Shared>,
}

impl<S> Guarded<S> {
    pub(super) fn new(inner: S, shared: Arc<Shared>) -> Self {
        let inner = FaultLayer::new(shared.faults.clone()).layer(inner);
        Self { inner, shared }
    }

    /// The handler.
    pub(super) const fn get_ref(&self) -> &S {
        self.inner.get_ref()
    }
}

impl<S, A, B> Service<Request<A>> for Guarded<S>
where
    S: Service<Request<A>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    A: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<GuardedBody<B>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The handler is waited for in its place in the order: behind the queue.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let inner = self.inner.clone();
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let context = CallContext::of(request.extensions()).unwrap_or_default();
            let is_exempt = shared.is_exempt(request.uri().path());
            let (parts, body) = request.into_parts();
            let standing = match &shared.rate_limit {
                Some(limiter) if !is_exempt => match limiter.check(&parts) {
                    Ok(standing) => standing,
                    Err(limited) => return Ok(answer::limited(&limited).map(Either::Right)),
                },
                _ => None,
            };
            let request = Request::from_parts(parts, body);
            let place = match admit(&shared, &context, is_exempt).await {
                Ok(place) => place,
                Err(refusal) => return Ok(refusal.map(Either::Right)),
            };
            let answer = work(&shared, context, inner, request, place).await?;
            let mut answer = answer.unwrap_or_else(|| {
                shared.counts.late();
                too_late().map(Either::Right)
            });
            if let Some(standing) = standing {
                standing.write_to(answer.headers_mut());
            }
            Ok(answer)
        })
    }
}

/// A place for the request, or none where it needs none; or else what it is refused with.
async fn admit(
    shared: &Shared,
    context: &CallContext,
    is_exempt: bool,
) -> Result<Option<Place>, Response<Full<Bytes>>> {
    if is_exempt {
        return Ok(None);
    }
    let deadline = shared.deadline_of(context);
    if deadline.is_some_and(|end| end <= Instant::now()) {
        shared.counts.late();
        return Err(too_late());
    }
    let Some(shedder) = &shared.shedder else {
        return Ok(None);
    };
    match shedder.admit(context.priority(), deadline).await {
        Ok(place) => Ok(Some(place)),
        Err(refusal) => Err(shedder.answer(refusal)),
    }
}

/// The handler's answer, or nothing at the deadline.
///
/// A read is dropped then. A write is a task of its own, which neither its deadline nor a broken
/// connection stops half way, and which keeps its place until its end.
async fn work<S, A, B>(
    shared: &Shared,
    context: CallContext,
    inner: FaultService<S>,
    request: Request<A>,
    mut place: Option<Place>,
) -> Result<Option<Response<GuardedBody<B>>>, Infallible>
where
    S: Service<Request<A>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    A: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let deadline = shared.deadline_of(&context);
    let is_read = only_reads(request.method());
    let handling = async move {
        let answer = inner.oneshot(request).await?;
        if let Some(place) = &mut place {
            place.ended(ended(answer.status()));
        }
        Ok(answer)
    };
    let until_the_end = async {
        if is_read {
            return context.scope(handling).await.map(with_handlers_body);
        }
        match context.spawn(handling.in_current_span()).await {
            Ok(result) => result.map(with_handlers_body),
            Err(error) => match error.try_into_panic() {
                // Catch-panic stands outside and knows what to do.
                Ok(panic) => resume_unwind(panic),
                Err(error) => {
                    let server = &shared.name;
                    tracing::error!(server, %error, "a write of {server} was lost: {error}");
                    Ok(answer::broken().map(Either::Right))
                }
            },
        }
    };
    match deadline {
        Some(end) => timeout_at(end, until_the_end).await.ok().transpose(),
        None => until_the_end.await.map(Some),
    }
}

fn with_handlers_body<B>(response: Response<FaultyBody<B>>) -> Response<GuardedBody<B>> {
    response.map(Either::Left)
}
