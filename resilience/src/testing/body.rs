//! The body of a scripted answer.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use crate::BoxError;
use crate::transport::{TransportError, TransportErrorKind};

/// The body of a scripted answer: its content in one piece, and then an end of some kind.
#[derive(Debug, Clone)]
pub struct ScriptedBody {
    content: Bytes,
    ending: Option<Ending>,
    endpoint: String,
}

#[derive(Debug, Clone)]
pub(super) enum Ending {
    Trailers(Box<HeaderMap>),
    BreaksOff,
    Stalls,
}

impl ScriptedBody {
    pub(super) const fn new(content: Bytes) -> Self {
        Self {
            content,
            ending: None,
            endpoint: String::new(),
        }
    }

    /// Whose answer it is, as errors say it.
    pub(super) fn sent_by(mut self, endpoint: String) -> Self {
        self.endpoint = endpoint;
        self
    }

    pub(super) fn ends_with(&mut self, ending: Ending) {
        self.ending = Some(ending);
    }
}

impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if !self.content.is_empty() {
            let content = std::mem::take(&mut self.content);
            return Poll::Ready(Some(Ok(Frame::data(content))));
        }
        match self.ending.take() {
            None => Poll::Ready(None),
            Some(Ending::Trailers(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(*trailers)))),
            Some(Ending::BreaksOff) => {
                let kind = TransportErrorKind::Reset;
                let error = TransportError::new(kind, &*self.endpoint, "the body breaks off");
                Poll::Ready(Some(Err(error.into())))
            }
            Some(Ending::Stalls) => {
                self.ending = Some(Ending::Stalls);
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_empty() && self.ending.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.ending {
            None => SizeHint::with_exact(self.content.len() as u64),
            Some(_) => SizeHint::new(),
        }
    }
}
