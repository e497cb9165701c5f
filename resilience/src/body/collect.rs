//! Reading a body up to a limit.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body;
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;

use super::{Content, ResponseBody};
use crate::BoxError;

pub(super) async fn collect<B>(body: B, limit: usize) -> Result<ResponseBody, BoxError>
where
    B: Body<Data = Bytes> + Send + Sync + 'static,
    B::Error: Into<BoxError>,
{
    let mut body = Box::pin(body);
    let mut read = Chunks::default();
    let mut trailers: Option<HeaderMap> = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(Into::into)?;
        match frame.into_data() {
            Ok(data) => read.push(data),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
        if read.len() > limit {
            let rest = BoxBody::new(body.map_err(Into::into));
            let prefix = read.into_bytes();
            return Ok(ResponseBody {
                content: Content::Streaming { prefix, rest },
            });
        }
    }
    Ok(ResponseBody::whole(read.into_bytes(), trailers))
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
