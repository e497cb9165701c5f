//! The layer and the service.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::ServiceExt;
use tower::util::Oneshot;
use tower_layer::Layer;
use tower_service::Service;

use super::body::FaultyBody;
use super::future::ResponseFuture;
use super::registry::Faults;
use crate::BoxError;

/// Lets faults meet the requests of a service; see the [module](super).
#[derive(Debug, Clone)]
pub struct FaultLayer {
    faults: Option<Faults>,
}

impl FaultLayer {
    /// These faults; `None` lets every request pass.
    pub fn new(faults: impl Into<Option<Faults>>) -> Self {
        Self {
            faults: faults.into(),
        }
    }
}

impl<S> Layer<S> for FaultLayer {
    type Service = FaultService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        FaultService {
            inner,
            faults: self.faults.clone(),
        }
    }
}

/// Breaks requests on purpose; see the [module](super).
#[derive(Debug, Clone)]
pub struct FaultService<S> {
    inner: S,
    faults: Option<Faults>,
}

impl<S> FaultService<S> {
    /// The service inside.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service inside.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service inside.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S> FaultService<S> {
    /// A request that a fault may meet.
    #[cold]
    fn meet<A>(&mut self, request: Request<A>) -> ResponseFuture<S::Future, Oneshot<S, Request<A>>>
    where
        S: Service<Request<A>> + Clone,
    {
        let (parts, body) = request.into_parts();
        let injection = self.faults.as_ref().and_then(|faults| faults.meet(&parts));
        let request = Request::from_parts(parts, body);
        match injection {
            None => ResponseFuture::whole(self.inner.call(request)),
            Some(injection) => {
                // It may wait for long, and must not keep the readiness of this handle meanwhile.
                let later = self.inner.clone().oneshot(request);
                ResponseFuture::broken(injection, later)
            }
        }
    }
}

impl<S, A, B> Service<Request<A>> for FaultService<S>
where
    S: Service<Request<A>, Response = Response<B>> + Clone,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Response = Response<FaultyBody<B>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, Oneshot<S, Request<A>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    #[inline]
    fn call(&mut self, request: Request<A>) -> Self::Future {
        match &self.faults {
            Some(faults) if faults.may_meet(request.headers()) => self.meet(request),
            _ => ResponseFuture::whole(self.inner.call(request)),
        }
    }
}
