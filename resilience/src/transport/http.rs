//! hyper-util's pooled HTTP/1 client as a transport.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
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
///
/// It does not speak TLS itself. With a [connector of your own](Self::with_connector) it does.
#[derive(Clone)]
pub struct HttpTransport<C = HttpConnector> {
    client: legacy::Client<C, Full<Bytes>>,
    scheme: Scheme,
}

impl HttpTransport {
    /// A transport with the given connect timeout; `None` waits as long as the system does.
    pub fn new(connect_timeout: Option<Duration>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(connect_timeout);
        connector.set_nodelay(true);
        Self::with_connector(connector)
    }
}

impl<C: Connect + Clone> HttpTransport<C> {
    /// A transport on connections of your own, which set their own timeouts: through a proxy,
    /// over a Unix socket or, with [`scheme`](Self::scheme), with TLS. With `hyper-rustls`, whose
    /// connector speaks it (`examples/src/bin/https.rs` is the whole program):
    ///
    /// ```text
    /// let mut connector = HttpConnector::new();
    /// connector.enforce_http(false);
    /// connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    /// let connector = hyper_rustls::HttpsConnectorBuilder::new()
    ///     .with_webpki_roots()
    ///     .https_only()
    ///     .enable_http1()
    ///     .wrap_connector(connector);
    /// let transport = HttpTransport::with_connector(connector).scheme(Scheme::HTTPS);
    /// let client = resilience::client("payments").endpoints(endpoints).build_on(transport)?;
    /// ```
    pub fn with_connector(connector: C) -> Self {
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(connector);
        Self {
            client,
            scheme: Scheme::HTTP,
        }
    }
}

impl<C> HttpTransport<C> {
    /// The scheme that requests are sent with, which tells the connector what to do (default
    /// `http`, whatever the request says).
    #[must_use]
    pub fn scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }
}

impl Default for HttpTransport {
    fn default() -> Self {
        Self::new(Some(CONNECT_TIMEOUT))
    }
}

impl<C> fmt::Debug for HttpTransport<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HttpTransport")
            .finish_non_exhaustive()
    }
}

impl<C> Service<Request<Bytes>> for HttpTransport<C>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    type Response = Response<TransportBody>;
    type Error = TransportError;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Bytes>) -> ResponseFuture {
        let endpoint = request.uri().authority().cloned();
        if request.uri().scheme() != Some(&self.scheme) {
            rewrite(request.uri_mut(), &self.scheme);
        }
        ResponseFuture {
            inner: self.client.request(request.map(Full::new)),
            endpoint,
        }
    }
}

/// Puts another scheme into an absolute URI; one without authority is left for the client to
/// refuse.
fn rewrite(uri: &mut Uri, scheme: &Scheme) {
    let mut parts = std::mem::take(uri).into_parts();
    if parts.authority.is_some() {
        parts.scheme = Some(scheme.clone());
    }
    // These parts were a URI before.
    *uri = Uri::from_parts(parts).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hyper_util::rt::TokioIo;
    use parking_lot::Mutex;
    use tokio::net::{TcpListener, TcpStream};
    use tower::{ServiceExt, service_fn};

    use super::*;
    use crate::BoxError;

    #[tokio::test]
    async fn connections_of_ones_own_hear_the_scheme() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = axum::Router::new().route("/", axum::routing::get(async || "well"));
        let server = tokio::spawn(async move { axum::serve(listener, app).await });
        let asked = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&asked);
        let connector = service_fn(move |uri: Uri| {
            notes.lock().push(uri.to_string());
            Box::pin(async move {
                let stream = TcpStream::connect(address).await?;
                Ok::<_, std::io::Error>(TokioIo::new(stream))
            })
        });
        let transport = HttpTransport::with_connector(connector).scheme(Scheme::HTTPS);
        let request = Request::get("http://payments:443/").body(Bytes::new());
        let answer: Result<_, BoxError> = transport
            .oneshot(request.unwrap())
            .await
            .map_err(Into::into);
        assert_eq!(answer.unwrap().status(), 200);
        assert_eq!(*asked.lock(), ["https://payments:443/"]);
        server.abort();
    }
}
