//! Request bodies that can be sent again.
//!
//! Whether a body is kept is decided before any of it is read: only that of a request which may
//! be repeated, and only if it announces a size up to the limit. Everything else streams through
//! untouched and is not repeated once a part of it was sent; so an upload of unknown length is
//! never held in memory half-way and then given up.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::{Collect, UnsyncBoxBody};
use http_body_util::{BodyExt, Limited};
use parking_lot::Mutex;
use pin_project_lite::pin_project;
use tower::ServiceExt;
use tower::util::Oneshot;
use tower_layer::Layer;
use tower_service::Service;

use super::repeatable::{Unrepeatable, is_repeatable};
use crate::BoxError;

/// The size up to which bodies are kept: 1 MiB, that of answers.
const LIMIT: usize = crate::body::COLLECT_LIMIT;

/// Puts a body that can be sent again into each request: outside of a [`Retry`](super::Retry),
/// for callers whose bodies stream.
///
/// ```
/// use bytes::Bytes;
/// use http::{Method, Request, Response};
/// use http_body_util::{BodyExt, Full};
/// use resilience::BoxError;
/// use resilience::retry::{ReplayBody, ReplayLayer, RetryLayer};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let client = ServiceBuilder::new()
///     .layer(ReplayLayer::new())
///     .layer(RetryLayer::builder("uploads").build()?)
///     .service(service_fn(async |request: Request<ReplayBody>| {
///         let content = request.into_body().collect().await?.to_bytes();
///         Ok::<_, BoxError>(Response::new(content))
///     }));
/// let request = Request::put("/notes/7").body(Full::new(Bytes::from("a note")))?;
/// assert_eq!(client.oneshot(request).await?.into_body(), "a note");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ReplayLayer {
    limit: usize,
}

impl ReplayLayer {
    /// Keeps bodies up to 1 MiB.
    pub const fn new() -> Self {
        Self { limit: LIMIT }
    }

    /// Keeps bodies up to `limit` bytes.
    #[must_use]
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

impl Default for ReplayLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for ReplayLayer {
    type Service = ReplayService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ReplayService {
            inner,
            limit: self.limit,
        }
    }
}

/// Gives requests a body that can be sent again; see [`ReplayLayer`].
#[derive(Debug, Clone)]
pub struct ReplayService<S> {
    inner: S,
    limit: usize,
}

impl<S, B> Service<Request<B>> for ReplayService<S>
where
    S: Service<Request<ReplayBody>> + Clone,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = ReplayFuture<S>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let inner = Some(self.inner.clone());
        let is_kept = is_repeatable(&request) && fits(request.body(), self.limit);
        let (mut parts, body) = request.into_parts();
        let body = UnsyncBoxBody::new(body.map_err(Into::into));
        let state = if is_kept {
            State::Collecting {
                collect: Limited::new(body, self.limit).collect(),
                parts: Some(parts),
            }
        } else {
            parts.extensions.insert(Unrepeatable);
            State::Ready {
                request: Some(Request::from_parts(parts, ReplayBody::once(body))),
            }
        };
        ReplayFuture { inner, state }
    }
}

/// Whether the body announces no more than `limit` bytes.
fn fits<B: Body>(body: &B, limit: usize) -> bool {
    body.size_hint()
        .upper()
        .is_some_and(|upper| upper <= limit as u64)
}

pin_project! {
    /// The future of [`ReplayService`].
    pub struct ReplayFuture<S>
    where
        S: Service<Request<ReplayBody>>,
    {
        inner: Option<S>,
        #[pin]
        state: State<S>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S>
    where
        S: Service<Request<ReplayBody>>,
    {
        Collecting {
            #[pin]
            collect: Collect<Limited<AnyBody>>,
            parts: Option<Parts>,
        },
        Ready {
            request: Option<Request<ReplayBody>>,
        },
        Calling {
            #[pin]
            call: Oneshot<S, Request<ReplayBody>>,
        },
    }
}

impl<S> Future for ReplayFuture<S>
where
    S: Service<Request<ReplayBody>>,
    S::Error: Into<BoxError>,
{
    type Output = Result<S::Response, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProjection::Collecting { collect, parts } => {
                    let content = ready!(collect.poll(context))?.to_bytes();
                    let body = ReplayBody(Content::Kept(content));
                    let parts = parts.take();
                    State::Ready {
                        request: parts.map(|parts| Request::from_parts(parts, body)),
                    }
                }
                StateProjection::Ready { request } => {
                    let (Some(inner), Some(request)) = (this.inner.take(), request.take()) else {
                        // Only a future that already gave its answer comes here.
                        return Poll::Pending;
                    };
                    State::Calling {
                        call: inner.oneshot(request),
                    }
                }
                StateProjection::Calling { call } => return call.poll(context).map_err(Into::into),
            };
            this.state.set(next);
        }
    }
}

type AnyBody = UnsyncBoxBody<Bytes, BoxError>;

/// A body that each clone sends from its beginning; or, where it was not kept, that the first
/// one to ask for it sends, and the others fail.
#[derive(Debug)]
pub struct ReplayBody(Content);

#[derive(Debug)]
enum Content {
    Kept(Bytes),
    Once {
        stream: Arc<Mutex<Stream>>,
        is_mine: bool,
    },
}

#[derive(Debug)]
struct Stream {
    body: AnyBody,
    is_taken: bool,
}

/// A body that was not kept cannot be sent a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a part of the body was sent already, and it was not kept")]
struct AlreadySent;

impl ReplayBody {
    fn once(body: AnyBody) -> Self {
        let is_taken = false;
        let stream = Arc::new(Mutex::new(Stream { body, is_taken }));
        let is_mine = false;
        Self(Content::Once { stream, is_mine })
    }
}

impl Clone for ReplayBody {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Content::Kept(bytes) => Content::Kept(bytes.clone()),
            Content::Once { stream, .. } => Content::Once {
                stream: Arc::clone(stream),
                is_mine: false,
            },
        })
    }
}

impl Body for ReplayBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.get_mut().0 {
            Content::Kept(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Kept(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Content::Once { stream, is_mine } => {
                let mut stream = stream.lock();
                if stream.is_taken && !*is_mine {
                    return Poll::Ready(Some(Err(AlreadySent.into())));
                }
                stream.is_taken = true;
                *is_mine = true;
                Pin::new(&mut stream.body).poll_frame(context)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Content::Kept(bytes) => bytes.is_empty(),
            Content::Once { stream, .. } => stream.lock().body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Kept(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Once { stream, .. } => stream.lock().body.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, Response};
    use http_body_util::{Full, StreamBody};
    use tower::{ServiceBuilder, service_fn};

    use super::super::RetryLayer;
    use super::*;

    /// How often a request was sent, when every attempt fails after its body was read.
    async fn attempts<B>(method: Method, body: B, limit: usize) -> usize
    where
        B: Body<Data = Bytes, Error = BoxError> + Send + 'static,
    {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&seen);
        let service = ServiceBuilder::new()
            .layer(ReplayLayer::new().limit(limit))
            .layer(RetryLayer::builder("uploads").build().unwrap())
            .service(service_fn(move |request: Request<ReplayBody>| {
                let notes = Arc::clone(&notes);
                async move {
                    let content = request.into_body().collect().await?.to_bytes();
                    notes.lock().push(content);
                    let failed = Response::builder().status(503);
                    Ok::<_, BoxError>(failed.body(())?)
                }
            }));
        let request = Request::builder().method(method).body(body).unwrap();
        service.oneshot(request).await.unwrap();
        let seen = seen.lock();
        assert!(seen.iter().all(|content| content == "12345"), "{seen:?}");
        seen.len()
    }

    fn full() -> impl Body<Data = Bytes, Error = BoxError> {
        Full::from("12345").map_err(|never| match never {})
    }

    /// Does not say how long it is.
    fn stream() -> impl Body<Data = Bytes, Error = BoxError> {
        let parts = ["12", "345"].map(|part| Ok(Frame::data(Bytes::from(part))));
        StreamBody::new(futures_util::stream::iter(parts))
    }

    #[tokio::test(start_paused = true)]
    async fn what_fits_is_sent_again_from_its_beginning() {
        assert_eq!(attempts(Method::PUT, full(), 5).await, 3);
    }

    /// A body that counts the parts that were taken out of it, and announces a size.
    struct Watched<B> {
        body: B,
        size: SizeHint,
        taken: Arc<Mutex<usize>>,
    }

    impl<B: Body<Data = Bytes, Error = BoxError> + Unpin> Body for Watched<B> {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
            *self.taken.lock() += usize::from(frame.is_some());
            Poll::Ready(frame)
        }

        fn size_hint(&self) -> SizeHint {
            self.size
        }
    }

    fn watched<B: Body>(body: B) -> (Watched<B>, Arc<Mutex<usize>>) {
        let taken = Arc::new(Mutex::new(0));
        let watched = Watched {
            size: body.size_hint(),
            body,
            taken: Arc::clone(&taken),
        };
        (watched, taken)
    }

    /// How many parts had been taken out of the body when the service inside was called.
    async fn taken_before_the_call<B>(method: Method, body: B, limit: usize) -> usize
    where
        B: Body<Data = Bytes, Error = BoxError> + Send + Unpin + 'static,
    {
        let (body, taken) = watched(body);
        let service =
            ReplayLayer::new()
                .limit(limit)
                .layer(service_fn(move |_: Request<ReplayBody>| {
                    std::future::ready(Ok::<_, BoxError>(*taken.lock()))
                }));
        let request = Request::builder().method(method).body(body).unwrap();
        service.oneshot(request).await.unwrap()
    }

    /// Buffers that grow while nobody knows yet whether they will be of use.
    #[tokio::test(start_paused = true)]
    async fn pitfall_retryability_is_decided_after_buffering() {
        assert_eq!(taken_before_the_call(Method::PUT, full(), 5).await, 1);
        assert_eq!(taken_before_the_call(Method::POST, full(), 5).await, 0);
        assert_eq!(taken_before_the_call(Method::PUT, full(), 4).await, 0);
        let unknown_length = taken_before_the_call(Method::PUT, stream(), 1_000);
        assert_eq!(unknown_length.await, 0);

        assert_eq!(attempts(Method::PUT, full(), 4).await, 1);
        assert_eq!(attempts(Method::POST, full(), 5).await, 1);
        assert_eq!(attempts(Method::PUT, stream(), 1_000).await, 1);
    }

    /// linkerd2-proxy#1039: what announces less than it sends is cut off at the limit, too.
    #[tokio::test(start_paused = true)]
    async fn pitfall_the_replay_buffer_has_no_cap() {
        let endless = futures_util::stream::repeat_with(|| {
            Ok::<_, BoxError>(Frame::data(Bytes::from_static(&[0; 1_000])))
        });
        let (mut body, taken) = watched(StreamBody::new(endless));
        body.size = SizeHint::with_exact(10);
        let service =
            ReplayLayer::new()
                .limit(5_000)
                .layer(service_fn(async |_: Request<ReplayBody>| {
                    Ok::<_, BoxError>(())
                }));
        let request = Request::put("/notes/7").body(body).unwrap();
        assert!(service.oneshot(request).await.is_err());
        assert!(*taken.lock() <= 6, "{} parts were kept", *taken.lock());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_was_not_kept_is_never_sent_cut_off() {
        let body = ReplayBody::once(UnsyncBoxBody::new(stream()));
        let mut first = body.clone();
        first.frame().await.unwrap().unwrap();
        let error = body.clone().collect().await.unwrap_err();
        assert!(error.is::<AlreadySent>());
        assert_eq!(first.collect().await.unwrap().to_bytes(), "345");
    }
}
