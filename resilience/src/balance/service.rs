//! The balancing service.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use tower_service::Service;

use super::error::NoEndpoint;
use super::future::ResponseFuture;
use super::layer::{BalanceBuilder, BalanceLayer};
use super::shared::Shared;
use super::tried::Tried;
use crate::BoxError;
use crate::classify::{Classify, HttpClassify};
use crate::readiness::EagerService;

/// Sends each request to one of several endpoints.
///
/// It fills scheme and authority of the request in; the inner service is the transport to
/// all of them. It is always ready: the choice is made in `call`, when the request and the
/// attempts before it are known. Clones share one state.
#[derive(Debug, Clone)]
pub struct Balance<S, C = HttpClassify> {
    inner: EagerService<S>,
    shared: Arc<Shared>,
    classify: C,
}

impl Balance<()> {
    /// Begins a balancer for the client called `name`.
    pub fn builder(name: impl Into<String>) -> BalanceBuilder {
        BalanceLayer::builder(name)
    }
}

impl<S, C> Balance<S, C> {
    pub(super) const fn new(inner: S, shared: Arc<Shared>, classify: C) -> Self {
        Self {
            inner: EagerService::new(inner),
            shared,
            classify,
        }
    }

    /// The transport.
    pub const fn get_ref(&self) -> &S {
        self.inner.get_ref()
    }

    /// The transport, to be changed.
    pub const fn get_mut(&mut self) -> &mut S {
        self.inner.get_mut()
    }

    /// The transport alone.
    pub fn into_inner(self) -> S {
        self.inner.into_inner()
    }
}

impl<S, C, RequestBody, ResponseBody> Service<Request<RequestBody>> for Balance<S, C>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>> + Clone,
    S::Error: Into<BoxError>,
    C: Classify<Response<ResponseBody>, BoxError> + Clone,
{
    type Response = Response<ResponseBody>;
    type Error = BoxError;
    type Future = ResponseFuture<S, Request<RequestBody>, C>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Readiness of the transport is waited for inside the call, once it is known to which
        // endpoint it goes: a hung transport must not keep calls from being given up.
        self.inner.ask(context);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        let tried = Tried::of(request.extensions());
        let Some((flight, authority)) = Shared::pick(&self.shared, tried) else {
            return ResponseFuture::failed(NoEndpoint::new(self.shared.name()).into());
        };
        if let Some(tried) = tried {
            tried.push(authority.clone());
        }
        match absolute(request.uri(), authority) {
            Ok(uri) => *request.uri_mut() = uri,
            Err(error) => {
                flight.forget();
                return ResponseFuture::failed(error.into());
            }
        }
        let response = self.inner.call(request);
        ResponseFuture::new(response, flight, self.classify.clone())
    }
}

/// `uri` at `authority`.
pub(crate) fn absolute(uri: &Uri, authority: Authority) -> Result<Uri, http::Error> {
    let path = uri.path_and_query().cloned();
    Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(authority)
        .path_and_query(path.unwrap_or_else(|| PathAndQuery::from_static("/")))
        .build()
}
