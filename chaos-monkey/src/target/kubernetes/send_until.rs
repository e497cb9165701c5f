//! A request that is not written any more after a moment. Between the decision to send it and the
//! socket lie a queue and a connection that may have to be made anew, and each of them can wait.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use kube::client::Body;
use tokio::time::Instant;
use tower::BoxError;

/// Until when a request may be written: an extension of it.
#[derive(Debug, Clone)]
pub(super) struct SendUntil {
    until: Instant,
    is_refused: Arc<AtomicBool>,
}

impl SendUntil {
    pub(super) fn new(until: Instant) -> Self {
        Self {
            until,
            is_refused: Arc::default(),
        }
    }

    /// Whether the request came too late to its socket, so that nobody can have read all of it.
    pub(super) fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::SeqCst)
    }
}

/// The body of a request, which is asked for when it is written.
pub(super) struct LimitedBody {
    body: Body,
    limit: Option<SendUntil>,
}

/// A request with the limit that its extensions name.
pub(super) fn limited(request: Request<Body>) -> Request<LimitedBody> {
    let limit = request.extensions().get::<SendUntil>().cloned();
    request.map(|body| LimitedBody { body, limit })
}

impl HttpBody for LimitedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(limit) = &self.limit
            && Instant::now() > limit.until
        {
            limit.is_refused.store(true, Ordering::SeqCst);
            return Poll::Ready(Some(Err("it is too late to send it".into())));
        }
        Pin::new(&mut self.body)
            .poll_frame(context)
            .map_err(BoxError::from)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
