//! One attempt on the wire.

use std::error::Error;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::journal::Cause;
use crate::target::Endpoint;

/// A longer body is [`Cause::Malformed`]: the generator shares the machine with the system.
const BODY_CAP: usize = 4 << 20;
/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(30);

/// A request as it is sent, the same in each attempt.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) path_and_query: PathAndQuery,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// An answer with its whole body.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What carries an attempt to one replica of the target.
pub(crate) trait Transport: Send + Sync + 'static {
    /// How many replicas there are.
    fn replicas(&self) -> usize;

    /// The answer with its whole body, or why there is none.
    fn send(
        &self,
        replica: usize,
        request: &Outgoing,
    ) -> impl Future<Output = Result<Answer, Cause>> + Send;
}

/// HTTP/1.1 with connections that are kept.
#[derive(Debug, Clone)]
pub(crate) struct HttpTransport {
    /// Host and port of each replica, and what stands before each path.
    places: Vec<(Authority, String)>,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl HttpTransport {
    pub(crate) fn new(endpoints: &[Endpoint]) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        let place = |endpoint: &Endpoint| Some((endpoint.authority()?, endpoint.base().to_owned()));
        Self {
            places: endpoints.iter().filter_map(place).collect(),
            client,
        }
    }
}

impl Transport for HttpTransport {
    fn replicas(&self) -> usize {
        self.places.len()
    }

    async fn send(&self, replica: usize, outgoing: &Outgoing) -> Result<Answer, Cause> {
        let (authority, base) = self.places.get(replica).ok_or(Cause::Refused)?;
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(authority.clone());
        parts.path_and_query = Some(if base.is_empty() {
            outgoing.path_and_query.clone()
        } else {
            let whole = format!("{base}{}", outgoing.path_and_query);
            whole.parse().map_err(|_| Cause::Malformed)?
        });
        let mut request = Request::new(Full::new(outgoing.body.clone()));
        *request.method_mut() = outgoing.method.clone();
        *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Cause::Malformed)?;
        *request.headers_mut() = outgoing.headers.clone();

        let response = self.client.request(request).await.map_err(|error| {
            let otherwise = if error.is_connect() {
                Cause::Refused
            } else {
                Cause::Reset
            };
            cause_of(&error).unwrap_or(otherwise)
        })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, BODY_CAP)
            .collect()
            .await
            .map_err(|error| {
                if error.is::<LengthLimitError>() {
                    return Cause::Malformed;
                }
                cause_of(error.as_ref()).unwrap_or(Cause::Reset)
            })?;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        })
    }
}

/// The cause that an error or one of its sources tells of.
fn cause_of(error: &(dyn Error + 'static)) -> Option<Cause> {
    let mut source = Some(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>()
            && let Some(cause) = cause_of_io(error.kind())
        {
            return Some(cause);
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>()
            && error.is_parse()
        {
            return Some(Cause::Malformed);
        }
        source = error.source();
    }
    None
}

fn cause_of_io(kind: io::ErrorKind) -> Option<Cause> {
    match kind {
        io::ErrorKind::ConnectionRefused => Some(Cause::Refused),
        io::ErrorKind::TimedOut => Some(Cause::Timeout),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected
        | io::ErrorKind::UnexpectedEof => Some(Cause::Reset),
        _ => None,
    }
}
