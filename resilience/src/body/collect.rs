//! Reading a body up to a limit.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use parking_lot::Mutex;

use super::{Content, ResponseBody};
use crate::BoxError;

/// The future of [`ResponseBody::collect`].
pub(super) struct Collecting<B> {
    /// `None` once the future is done.
    body: Option<Pin<Box<B>>>,
    limit: usize,
    read: Chunks,
    trailers: Option<Box<HeaderMap>>,
}

impl<B> Collecting<B> {
    pub(super) fn new(body: B, limit: usize) -> Self {
        Self {
            body: Some(Box::pin(body)),
            limit,
            read: Chunks::default(),
            trailers: None,
        }
    }

    fn take_in(&mut self, frame: Frame<Bytes>) {
        match frame.into_data() {
            Ok(data) => self.read.push(data),
            Err(frame) => self.trailers = frame.into_trailers().ok().map(Box::new),
        }
    }
}

impl<B> Future for Collecting<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<ResponseBody, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        while let Some(body) = &mut this.body {
            match ready!(body.as_mut().poll_frame(context)) {
                Some(Ok(frame)) => this.take_in(frame),
                Some(Err(error)) => return Poll::Ready(Err(error.into())),
                None => break,
            }
            if this.read.len() > this.limit
                && let Some(body) = this.body.take()
            {
                let rest = Mutex::new(UnsyncBoxBody::new(body.map_err(Into::into)));
                let prefix = mem::take(&mut this.read).into_bytes();
                let content = Content::Streaming { prefix, rest };
                return Poll::Ready(Ok(ResponseBody { content }));
            }
        }
        let bytes = mem::take(&mut this.read).into_bytes();
        Poll::Ready(Ok(ResponseBody::whole(bytes, this.trailers.take())))
    }
}

/// What was read so far; one chunk, which is what most answers consist of, is not copied.
#[derive(Default)]
struct Chunks {
    first: Bytes,
    more: BytesMut,
}

impl Chunks {
    fn len(&self) -> usize {
        if self.more.is_empty() {
            self.first.len()
        } else {
            self.more.len()
        }
    }

    fn push(&mut self, chunk: Bytes) {
        if self.len() == 0 {
            self.first = chunk;
            return;
        }
        if self.more.is_empty() {
            self.more.extend_from_slice(&self.first);
        }
        self.more.extend_from_slice(&chunk);
    }

    fn into_bytes(self) -> Bytes {
        if self.more.is_empty() {
            self.first
        } else {
            self.more.freeze()
        }
    }
}
