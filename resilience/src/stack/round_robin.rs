//! What is left when everything is switched off.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use http_body::Body;
use tower::ServiceExt;
use tower_service::Service;

use crate::BoxError;
use crate::balance::{Endpoints, NoEndpoint};
use crate::body::{COLLECT_LIMIT, ResponseBody};

/// Takes the endpoints in turn and does nothing else.
#[derive(Clone)]
pub(super) struct RoundRobin<T> {
    name: Arc<str>,
    endpoints: Endpoints,
    next: Arc<AtomicUsize>,
    transport: T,
}

impl<T> RoundRobin<T> {
    pub(super) fn new(name: Arc<str>, endpoints: Endpoints, transport: T) -> Self {
        Self {
            name,
            endpoints,
            next: Arc::default(),
            transport,
        }
    }

    fn pick(&self) -> Result<Authority, NoEndpoint> {
        let authorities = self.endpoints.authorities();
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let index = turn.checked_rem(authorities.len());
        index
            .and_then(|index| authorities.get(index))
            .cloned()
            .ok_or_else(|| NoEndpoint::new(&*self.name))
    }
}

impl<T, B> Service<Request<Bytes>> for RoundRobin<T>
where
    T: Service<Request<Bytes>, Response = Response<B>> + Clone + Send + 'static,
    T::Error: Into<BoxError>,
    T::Future: Send,
    B: Body<Data = Bytes> + Send + Sync + 'static,
    B::Error: Into<BoxError>,
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
            let response = transport.oneshot(request).await.map_err(Into::into)?;
            let (parts, body) = response.into_parts();
            let body = ResponseBody::collect(body, COLLECT_LIMIT).await?;
            Ok(Response::from_parts(parts, body))
        })
    }
}

/// `uri` at `authority`.
fn absolute(uri: &Uri, authority: Authority) -> Result<Uri, http::Error> {
    let path = uri.path_and_query().cloned();
    Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(authority)
        .path_and_query(path.unwrap_or_else(|| PathAndQuery::from_static("/")))
        .build()
}
