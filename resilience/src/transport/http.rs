//! hyper-util's pooled HTTP/1 client as a transport.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::uri::Authority;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::error::{connect_kind, exchange_kind};
use super::{TransportError, TransportErrorKind};

/// How long a connection may take to come about: on one machine or in one cluster it takes
/// less than a millisecond, and a second is where TCP repeats a lost SYN (RFC 6298).
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long an unused connection is kept: below the 60 s after which common servers and
/// proxies close theirs, so that it is this side that closes.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends requests over pooled HTTP/1 connections, one pool per endpoint.
///
/// Requests carry an absolute URI. Clones share the pools. `TCP_NODELAY` is set, so that
/// small requests do not wait for the acknowledgement of earlier ones.
#[derive(Clone)]
pub struct HttpTransport {
    client: legacy::Client<HttpConnector, Full<Bytes>>,
}

impl HttpTransport {
    /// A transport with the given connect timeout; `None` waits as long as the system does.
    pub fn new(connect_timeout: Option<Duration>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(connect_timeout);
        connector.set_nodelay(true);
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(connector);
        Self { client }
    }
}

impl Default for HttpTransport {
    fn default() -> Self {
        Self::new(Some(CONNECT_TIMEOUT))
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HttpTransport")
            .finish_non_exhaustive()
    }
}

impl Service<Request<Bytes>> for HttpTransport {
    type Response = Response<TransportBody>;
    type Error = TransportError;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> ResponseFuture {
        let endpoint = request.uri().authority().cloned();
        ResponseFuture {
            inner: self.client.request(request.map(Full::new)),
            endpoint,
        }
    }
}

pin_project! {
    /// The future of [`HttpTransport`].
    pub struct ResponseFuture {
        #[pin]
        inner: legacy::ResponseFuture,
        endpoint: Option<Authority>,
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<TransportBody>, TransportError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(context));
        let endpoint = this.endpoint.take();
        Poll::Ready(match result {
            Ok(response) => Ok(response.map(|inner| TransportBody { inner, endpoint })),
            Err(error) => {
                let kind = if error.is_connect() {
                    connect_kind(&error)
                } else {
                    exchange_kind(&error)
                };
                Err(transport_error(kind, endpoint.as_ref(), error))
            }
        })
    }
}

pin_project! {
    /// The body of an answer as it comes from the wire.
    pub struct TransportBody {
        #[pin]
        inner: Incoming,
        endpoint: Option<Authority>,
    }
}

impl Body for TransportBody {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(context));
        Poll::Ready(frame.map(|result| {
            result.map_err(|error| {
                // Hyper calls a body that breaks off an error of the body, whatever the cause.
                let kind = match exchange_kind(&error) {
                    TransportErrorKind::Other if error.is_body_write_aborted() => {
                        TransportErrorKind::Reset
                    }
                    kind => kind,
                };
                transport_error(kind, this.endpoint.as_ref(), error)
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn transport_error(
    kind: TransportErrorKind,
    endpoint: Option<&Authority>,
    source: impl Into<crate::BoxError>,
) -> TransportError {
    let endpoint = endpoint.map_or("", Authority::as_str);
    TransportError::new(kind, endpoint, source)
}
