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
use super::injection::Injection;
use super::registry::Faults;
use crate::BoxError;
use crate::readiness::EagerService;

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
            inner: EagerService::new(inner),
            faults: self.faults.clone(),
        }
    }
}

/// Breaks requests on purpose; see the [module](super).
///
/// Where there may be faults it is always ready: a service that never gets ready must not keep
/// one from meeting its request.
#[derive(Debug, Clone)]
pub struct FaultService<S> {
    inner: EagerService<S>,
    faults: Option<Faults>,
}

impl<S> FaultService<S> {
    /// The service inside.
    pub const fn get_ref(&self) -> &S {
        self.inner.get_ref()
    }

    /// The service inside.
    pub const fn get_mut(&mut self) -> &mut S {
        self.inner.get_mut()
    }

    /// The service inside.
    pub fn into_inner(self) -> S {
        self.inner.into_inner()
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
        let Some(injection) = injection else {
            return self.pass(request);
        };
        // It may wait for long, and must not keep the readiness of this handle meanwhile.
        self.inner.forget();
        let later = self.inner.get_ref().clone().oneshot(request);
        ResponseFuture::broken(injection, later)
    }

    /// A request that no fault meets, as soon as the service inside is ready for it.
    #[inline]
    fn pass<A>(&mut self, request: Request<A>) -> ResponseFuture<S::Future, Oneshot<S, Request<A>>>
    where
        S: Service<Request<A>> + Clone,
    {
        if self.inner.use_readiness() {
            return ResponseFuture::whole(self.inner.get_mut().call(request));
        }
        let later = self.inner.take().oneshot(request);
        ResponseFuture::broken(Injection::default(), later)
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
        if self.faults.is_none() {
            return self.inner.get_mut().poll_ready(context);
        }
        self.inner.ask(context);
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: Request<A>) -> Self::Future {
        match &self.faults {
            None => ResponseFuture::whole(self.inner.get_mut().call(request)),
            Some(faults) if faults.may_meet(request.headers()) => self.meet(request),
            Some(_) => self.pass(request),
        }
    }
}
