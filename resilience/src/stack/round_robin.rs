//! What stands in for the balancer where that was taken out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::uri::Authority;
use http::{Request, Response};
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;

use crate::BoxError;
use crate::balance::{EndpointSource, NoEndpoint, absolute};
use crate::body::ResponseBody;

/// Wraps a transport into a [`RoundRobin`].
#[derive(Debug, Clone)]
pub(super) struct RoundRobinLayer {
    name: Arc<str>,
    endpoints: EndpointSource,
}

impl RoundRobinLayer {
    pub(super) fn new(name: &Arc<str>, endpoints: &EndpointSource) -> Self {
        Self {
            name: Arc::clone(name),
            endpoints: endpoints.clone(),
        }
    }
}

impl<T> Layer<T> for RoundRobinLayer {
    type Service = RoundRobin<T>;

    fn layer(&self, transport: T) -> RoundRobin<T> {
        RoundRobin {
            name: Arc::clone(&self.name),
            endpoints: self.endpoints.clone(),
            next: Arc::default(),
            transport,
        }
    }
}

/// Takes the endpoints in turn and does nothing else.
#[derive(Clone)]
pub(super) struct RoundRobin<T> {
    name: Arc<str>,
    endpoints: EndpointSource,
    next: Arc<AtomicUsize>,
    transport: T,
}

impl<T> RoundRobin<T> {
    fn pick(&self) -> Result<Authority, NoEndpoint> {
        let endpoints = self.endpoints.endpoints();
        let authorities = endpoints.authorities();
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let index = turn.checked_rem(authorities.len());
        index
            .and_then(|index| authorities.get(index))
            .cloned()
            .ok_or_else(|| NoEndpoint::new(&*self.name))
    }
}

impl<T> Service<Request<Bytes>> for RoundRobin<T>
where
    T: Service<Request<Bytes>, Response = Response<ResponseBody>, Error = BoxError>
        + Clone
        + Send
        + 'static,
    T::Future: Send,
{
    type Response = Response<ResponseBody>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<ResponseBody>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Bytes>) -> Self::Future {
        let picked = self.pick();
        let transport = self.transport.clone();
        Box::pin(async move {
            *request.uri_mut() = absolute(request.uri(), picked?)?;
            transport.oneshot(request).await
        })
    }
}
