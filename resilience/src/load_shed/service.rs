//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Either, Full};
use tower::ServiceExt;
use tower_service::Service;

use super::future::ResponseFuture;
use super::layer::Shared;
use super::shedder::ended;
use crate::concurrency::Ended;
use crate::context::CallContext;
use crate::deadline::Deadline;

/// Answers at once what there is no room for; see the [module docs](super) for an example.
///
/// It is always ready: whoever has no place yet waits in the future of a call, where it can be
/// refused. A place is held until the head of the answer is there.
#[derive(Debug, Clone)]
pub struct LoadShed<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> LoadShed<S> {
    pub(super) const fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }

    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, to be changed.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service alone.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, A, B> Service<Request<A>> for LoadShed<S>
where
    S: Service<Request<A>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: 'static,
    A: Send + 'static,
    B: 'static,
{
    type Response = Response<Either<B, Full<Bytes>>>;
    type Error = S::Error;
    type Future = ResponseFuture<Self::Response, S::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        // Readiness of a clone is a matter of the clone: it is waited for behind the queue.
        let inner = self.inner.clone();
        let shared = Arc::clone(&self.shared);
        ResponseFuture::new(async move {
            let path = request.uri().path();
            if shared.exempt.iter().any(|exempt| exempt == path) {
                return Ok(inner.oneshot(request).await?.map(Either::Left));
            }
            let context = CallContext::of(request.extensions());
            let priority = context.map(|context| context.priority());
            let deadline = Deadline::or_of_context(request.extensions());
            let shedder = &shared.shedder;
            let mut place = match shedder.admit(priority.unwrap_or_default(), deadline).await {
                Ok(place) => place,
                Err(refusal) => return Ok(shedder.answer(refusal).map(Either::Right)),
            };
            let result = inner.oneshot(request).await;
            place.ended(match &result {
                Ok(answer) => ended(answer.status()),
                Err(_) => Ended::Failed,
            });
            Ok(result?.map(Either::Left))
        })
    }
}
