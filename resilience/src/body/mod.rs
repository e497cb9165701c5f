//! Bodies of answers: collected whole where they are small, streamed where they are not.
//!
//! A client stack collects a body up to a cap *inside* the attempt. So a dependency that
//! dies in mid-body is a failed attempt, which can be repeated, and not a broken answer
//! in the hands of the caller. What is larger than the cap streams: the caller gets the
//! part that was read and then the rest as it comes.

mod collect;
mod future;
mod service;

#[cfg(test)]
mod tests;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use parking_lot::Mutex;

use crate::BoxError;

pub use future::ResponseFuture;
pub use service::{Collect, CollectLayer};

/// The size up to which bodies are collected inside the attempt: 1 MiB, which holds every
/// answer of an ordinary API and bounds the memory of a call.
pub const COLLECT_LIMIT: usize = 1024 * 1024;

/// The body of an answer of a client stack.
///
/// It is a [`http_body::Body`] and can be handed on as it is; [`bytes`](Self::bytes) looks
/// at it without taking it where it was collected whole.
pub struct ResponseBody {
    content: Content,
}

enum Content {
    /// The body was read to its end.
    Whole {
        bytes: Bytes,
        // In a box: most bodies have none, and every part of a stack moves this.
        trailers: Option<Box<HeaderMap>>,
    },
    /// The body was larger than the limit: `prefix` was read, `rest` is still to come.
    Streaming { prefix: Bytes, rest: Rest },
}

/// What is still to come. The lock is never waited for: it makes a body that is only `Send`
/// shareable, so that a reference to an answer can be held across an await.
type Rest = Mutex<UnsyncBoxBody<Bytes, BoxError>>;

impl ResponseBody {
    /// A body without content.
    pub const fn empty() -> Self {
        Self::whole(Bytes::new(), None)
    }

    pub(crate) const fn whole(bytes: Bytes, trailers: Option<Box<HeaderMap>>) -> Self {
        Self {
            content: Content::Whole { bytes, trailers },
        }
    }

    /// A body of which nothing was read yet.
    pub(crate) fn streaming<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let rest = UnsyncBoxBody::new(body.map_err(Into::into));
        Self {
            content: Content::Streaming {
                prefix: Bytes::new(),
                rest: Mutex::new(rest),
            },
        }
    }

    /// Reads `body` until its end or until more than `limit` bytes were read, whichever
    /// comes first.
    ///
    /// # Errors
    ///
    /// The error of `body`, if it fails before one of the two.
    pub async fn collect<B>(body: B, limit: usize) -> Result<Self, BoxError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        collect::Collecting::new(body, limit).await
    }

    /// The content, if it was collected whole and has not been read through
    /// [`http_body::Body`]; `None` if a part of it is still to come.
    pub fn bytes(&self) -> Option<&Bytes> {
        match &self.content {
            Content::Whole { bytes, .. } => Some(bytes),
            Content::Streaming { .. } => None,
        }
    }

    /// What came after the content, if it was collected whole.
    pub(crate) fn trailers(&self) -> Option<&HeaderMap> {
        match &self.content {
            Content::Whole { trailers, .. } => trailers.as_deref(),
            Content::Streaming { .. } => None,
        }
    }

    /// Puts what is still to come into `wrap`; a body that was collected whole stays as it is.
    pub(crate) fn map_rest<B>(self, wrap: impl FnOnce(UnsyncBoxBody<Bytes, BoxError>) -> B) -> Self
    where
        B: Body<Data = Bytes, Error = BoxError> + Send + 'static,
    {
        let content = match self.content {
            Content::Streaming { prefix, rest } => Content::Streaming {
                prefix,
                rest: Mutex::new(UnsyncBoxBody::new(wrap(rest.into_inner()))),
            },
            whole @ Content::Whole { .. } => whole,
        };
        Self { content }
    }

    /// The same body once more, if it was collected whole.
    pub(crate) fn try_clone(&self) -> Option<Self> {
        match &self.content {
            Content::Whole { bytes, trailers } => {
                Some(Self::whole(bytes.clone(), trailers.clone()))
            }
            Content::Streaming { .. } => None,
        }
    }

    /// The whole content, waiting for the rest where there is one.
    ///
    /// # Errors
    ///
    /// The error of the stream, if the rest breaks off.
    pub async fn into_bytes(self) -> Result<Bytes, BoxError> {
        match self.content {
            Content::Whole { bytes, .. } => Ok(bytes),
            Content::Streaming { prefix, rest } => {
                let rest = rest.into_inner().collect().await?.to_bytes();
                let mut content = BytesMut::with_capacity(prefix.len() + rest.len());
                content.extend_from_slice(&prefix);
                content.extend_from_slice(&rest);
                Ok(content.freeze())
            }
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.get_mut().content {
            Content::Whole { bytes, trailers } => {
                if !bytes.is_empty() {
                    return Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))));
                }
                Poll::Ready(
                    trailers
                        .take()
                        .map(|trailers| Ok(Frame::trailers(*trailers))),
                )
            }
            Content::Streaming { prefix, rest } => {
                if !prefix.is_empty() {
                    return Poll::Ready(Some(Ok(Frame::data(std::mem::take(prefix)))));
                }
                Pin::new(rest.get_mut()).poll_frame(context)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole { bytes, trailers } => bytes.is_empty() && trailers.is_none(),
            Content::Streaming { prefix, rest } => prefix.is_empty() && rest.lock().is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole { bytes, .. } => SizeHint::with_exact(bytes.len() as u64),
            Content::Streaming { prefix, rest } => {
                let read = prefix.len() as u64;
                let rest = rest.lock().size_hint();
                let mut hint = SizeHint::new();
                if let Some(upper) = rest.upper() {
                    hint.set_upper(upper.saturating_add(read));
                }
                hint.set_lower(rest.lower().saturating_add(read));
                hint
            }
        }
    }
}

impl Default for ResponseBody {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T: Into<Bytes>> From<T> for ResponseBody {
    fn from(content: T) -> Self {
        Self::whole(content.into(), None)
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            Content::Whole { bytes, .. } => formatter
                .debug_struct("ResponseBody")
                .field("bytes", &bytes.len())
                .finish(),
            Content::Streaming { prefix, .. } => formatter
                .debug_struct("ResponseBody")
                .field("read", &prefix.len())
                .finish_non_exhaustive(),
        }
    }
}
