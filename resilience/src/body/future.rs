//! The future of a call that ends with its body.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use http::response::Parts;
use http_body::Body;
use pin_project_lite::pin_project;

use super::ResponseBody;
use super::collect::Collecting;
use crate::BoxError;

pin_project! {
    /// The future of [`Collect`](super::Collect).
    pub struct ResponseFuture<F, B> {
        limit: Option<usize>,
        #[pin]
        state: State<F, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, B> {
        Head {
            #[pin]
            response: F,
        },
        Body {
            parts: Option<Parts>,
            body: Collecting<B>,
        },
    }
}

impl<F, B> ResponseFuture<F, B> {
    pub(super) const fn new(response: F, limit: Option<usize>) -> Self {
        let state = State::Head { response };
        Self { limit, state }
    }
}

impl<F, B, E> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Into<BoxError>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<ResponseBody>, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProjection::Head { response } => {
                    let response = ready!(response.poll(context)).map_err(Into::into)?;
                    let Some(limit) = *this.limit else {
                        return Poll::Ready(Ok(response.map(ResponseBody::streaming)));
                    };
                    let (parts, body) = response.into_parts();
                    let state = State::Body {
                        parts: Some(parts),
                        body: Collecting::new(body, limit),
                    };
                    this.state.set(state);
                }
                StateProjection::Body { parts, body } => {
                    let body = ready!(Pin::new(body).poll(context))?;
                    return match parts.take() {
                        Some(parts) => Poll::Ready(Ok(Response::from_parts(parts, body))),
                        None => Poll::Pending,
                    };
                }
            }
        }
    }
}
