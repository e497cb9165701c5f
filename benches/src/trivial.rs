//! The inner services: an answer that is ready at once.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::LazyLock;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use resilience::BoxError;
use resilience::classify::{Classify, Outcome};
use tower_service::Service;

/// Succeeds or fails as the request says; so small that only what stands around it costs.
#[derive(Debug, Clone, Copy)]
pub struct Plain;

impl Service<bool> for Plain {
    type Response = ();
    type Error = BoxError;
    type Future = Ready<Result<(), BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, succeeds: bool) -> Self::Future {
        ready(if succeeds {
            Ok(())
        } else {
            Err("refused".into())
        })
    }
}

/// Judges as the peers do: an error is a failure.
#[derive(Debug, Clone, Copy)]
pub struct AnyError;

impl<T, E> Classify<T, E> for AnyError {
    fn classify(&self, result: Result<&T, &E>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Failure,
        }
    }
}

/// Answers in process, as a transport would.
#[derive(Debug, Clone, Copy)]
pub struct Transport;

impl Service<Request<Bytes>> for Transport {
    type Response = Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = Ready<Result<Response<Full<Bytes>>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Bytes>) -> Self::Future {
        ready(Ok(answer()))
    }
}

/// Answers in process, as a router would.
#[derive(Debug, Clone, Copy)]
pub struct Handler;

impl Service<Request<Bytes>> for Handler {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Full<Bytes>>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Bytes>) -> Self::Future {
        ready(Ok(answer()))
    }
}

fn answer() -> Response<Full<Bytes>> {
    Response::new(Full::new(Bytes::from_static(b"a title")))
}

static TARGET: LazyLock<Uri> = LazyLock::new(|| Uri::from_static("/titles/7"));

/// A read.
pub fn get() -> Request<Bytes> {
    let mut request = Request::new(Bytes::new());
    TARGET.clone_into(request.uri_mut());
    request
}
