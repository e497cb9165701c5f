//! The response future.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Response, StatusCode};
use pin_project_lite::pin_project;

use super::body::{BodyFault, FaultyBody};
use super::injection::{Injection, Instead};
use super::lease::Term;

type Delay = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

pin_project! {
    /// Response future of [`FaultService`](super::FaultService).
    pub struct ResponseFuture<F, L> {
        #[pin]
        call: Call<F, L>,
    }
}

pin_project! {
    #[project = CallProjection]
    enum Call<F, L> {
        Whole {
            #[pin]
            future: F,
        },
        // In a box, so that whole ones are not as large.
        Broken { broken: Pin<Box<Broken<L>>> },
    }
}

pin_project! {
    /// A request that a fault has met.
    struct Broken<L> {
        delay: Option<Delay>,
        instead: Option<(Instead, Term)>,
        body: Option<BodyFault>,
        #[pin]
        later: L,
    }
}

impl<F, L> ResponseFuture<F, L> {
    pub(super) const fn whole(future: F) -> Self {
        Self {
            call: Call::Whole { future },
        }
    }

    pub(super) fn broken(injection: Injection, later: L) -> Self {
        Self {
            call: Call::Broken {
                broken: Box::pin(Broken {
                    delay: Some(Box::pin(Injection::wait(injection.delays))),
                    instead: injection.instead,
                    body: injection.body,
                    later,
                }),
            },
        }
    }
}

impl<F, L, B, E> Future for ResponseFuture<F, L>
where
    F: Future<Output = Result<Response<B>, E>>,
    L: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<FaultyBody<B>>, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().call.project() {
            CallProjection::Whole { future } => {
                let response = ready!(future.poll(context))?;
                Poll::Ready(Ok(response.map(|body| FaultyBody::new(body, None))))
            }
            CallProjection::Broken { broken } => broken.as_mut().poll(context),
        }
    }
}

impl<L, B, E> Future for Broken<L>
where
    L: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<FaultyBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(delay) = this.delay {
            ready!(delay.as_mut().poll(context));
            *this.delay = None;
        }
        if let Some((instead, term)) = this.instead
            && !term.is_over()
        {
            return Poll::Ready(Ok(answer(*instead)));
        }
        let response = ready!(this.later.poll(context))?;
        let fault = this.body.take();
        Poll::Ready(Ok(response.map(|body| FaultyBody::new(body, fault))))
    }
}

/// What a request gets that is not handled.
pub(crate) fn answer<B>(instead: Instead) -> Response<FaultyBody<B>> {
    match instead {
        Instead::Abort => Response::new(FaultyBody::aborted()),
        Instead::Status(status) => with_status(status),
    }
}

fn with_status<B>(status: StatusCode) -> Response<FaultyBody<B>> {
    let mut response = Response::new(FaultyBody::empty());
    *response.status_mut() = status;
    response
}
