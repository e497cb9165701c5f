//! The future of a call that may be shared.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower::ServiceExt;
use tower_service::Service;

use super::answer::{Answer, ShareBody};
use super::error::SharedError;
use super::flights::Landing;
use super::layer::Shared;
use super::shared_call::Seat;
use crate::BoxError;
use crate::context::CallContext;
use crate::deadline::Deadline;
use crate::ledger::Reason;
use crate::readiness::EagerFuture;
use crate::rejection;
use crate::timeout::TimeoutElapsed;

pin_project! {
    /// The future of [`Coalesce`](super::Coalesce).
    pub struct ResponseFuture<S, RequestBody, B, K>
    where
        S: Service<Request<RequestBody>>,
    {
        #[pin]
        stage: Stage<S, RequestBody, B, K>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<S, RequestBody, B, K>
    where
        S: Service<Request<RequestBody>>,
    {
        Alone {
            #[pin]
            call: EagerFuture<S, Request<RequestBody>>,
        },
        // In a box, so that a call that is alone is not as large.
        Aboard {
            passenger: Box<Passenger<S, RequestBody, B, K>>,
            seat: Option<(Seat<Landing<B>>, bool)>,
        },
    }
}

/// One caller of a call that may be shared.
pub(super) struct Passenger<S, RequestBody, B, K> {
    inner: S,
    shared: Arc<Shared<B, K>>,
    key: String,
    request: Request<RequestBody>,
}

impl<S, RequestBody, B, K> Passenger<S, RequestBody, B, K> {
    pub(super) const fn new(
        inner: S,
        shared: Arc<Shared<B, K>>,
        key: String,
        request: Request<RequestBody>,
    ) -> Self {
        Self {
            inner,
            shared,
            key,
            request,
        }
    }

    /// What this caller makes of a call that ended.
    fn arrive(&self, landing: Landing<B>, is_leader: bool) -> Arrival<B>
    where
        B: ShareBody,
    {
        if !is_leader
            && landing
                .no_time_after
                .is_some_and(|end| self.has_time_after(end))
        {
            return Arrival::Again;
        }
        if landing.in_vain
            && let Some(context) = CallContext::of(self.request.extensions())
        {
            context.mark_not_retryable();
        }
        match landing.result {
            Ok(answer) => answer
                .take()
                .map_or(Arrival::Alone, |it| Arrival::With(Ok(it))),
            Err(error) if !is_leader && ran_out_of_time(&error) => Arrival::Again,
            Err(error) => Arrival::With(Err(error.into())),
        }
    }

    fn has_time_after(&self, end: Instant) -> bool {
        Deadline::or_of_context(self.request.extensions()).is_none_or(|own| own > end)
    }
}

/// What a caller does when the call that it waited for has ended.
enum Arrival<B> {
    /// Ends, too.
    With(Result<Response<B>, BoxError>),
    /// Shares another call.
    Again,
    /// Calls by itself: such answers cannot be shared, and waiting in turn would take for ever.
    Alone,
}

/// Whether only the deadline of the leader ended the call: its followers have one of their own.
fn ran_out_of_time(error: &SharedError) -> bool {
    rejection::reason(error) == Reason::Deadline
        || rejection::find::<TimeoutElapsed>(error).is_some_and(TimeoutElapsed::is_cut_by_deadline)
}

impl<S, RequestBody, B, K> Passenger<S, RequestBody, B, K>
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    RequestBody: Clone + Send + 'static,
    B: ShareBody + Send + 'static,
{
    fn alone(&self) -> EagerFuture<S, Request<RequestBody>> {
        EagerFuture::waiting(self.inner.clone(), self.request.clone())
    }

    fn board(&self) -> (Seat<Landing<B>>, bool) {
        let begin = || fly(self.inner.clone(), self.request.clone());
        let (seat, is_leader) = self.shared.flights.board(&self.key, begin);
        if is_leader {
            self.shared.leads();
        } else {
            self.shared.follows();
        }
        (seat, is_leader)
    }
}

/// The call itself.
async fn fly<S, RequestBody, B>(inner: S, request: Request<RequestBody>) -> Landing<B>
where
    S: Service<Request<RequestBody>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: ShareBody,
{
    let context = CallContext::of(request.extensions());
    let deadline = Deadline::or_of_context(request.extensions());
    let result = inner.oneshot(request).await;
    let failed = match &result {
        Ok(response) => response.status().is_server_error(),
        Err(_) => true,
    };
    let context = context.filter(|_| failed);
    let in_vain = context.as_ref().is_some_and(CallContext::is_not_retryable);
    let had_no_time = context.is_some_and(|context| context.had_no_time());
    Landing {
        result: result
            .map(|response| Arc::new(Answer::new(response)))
            .map_err(|error| SharedError::new(error.into())),
        in_vain,
        no_time_after: deadline.filter(|_| had_no_time),
    }
}

impl<S, RequestBody, B, K> ResponseFuture<S, RequestBody, B, K>
where
    S: Service<Request<RequestBody>>,
{
    pub(super) const fn alone(call: EagerFuture<S, Request<RequestBody>>) -> Self {
        Self {
            stage: Stage::Alone { call },
        }
    }

    pub(super) fn shared(passenger: Passenger<S, RequestBody, B, K>) -> Self {
        let passenger = Box::new(passenger);
        let seat = None;
        Self {
            stage: Stage::Aboard { passenger, seat },
        }
    }
}

impl<S, RequestBody, B, K> Future for ResponseFuture<S, RequestBody, B, K>
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    RequestBody: Clone + Send + 'static,
    B: ShareBody + Send + 'static,
{
    type Output = Result<Response<B>, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.project().stage;
        loop {
            match stage.as_mut().project() {
                StageProjection::Alone { call } => return call.poll(context).map_err(Into::into),
                StageProjection::Aboard { passenger, seat } => {
                    let (waits, is_leader) = seat.get_or_insert_with(|| passenger.board());
                    let landing = ready!(Pin::new(waits).poll(context));
                    let is_leader = *is_leader;
                    *seat = None;
                    match passenger.arrive(landing, is_leader) {
                        Arrival::With(result) => return Poll::Ready(result),
                        Arrival::Again => {}
                        Arrival::Alone => {
                            let call = passenger.alone();
                            stage.set(Stage::Alone { call });
                        }
                    }
                }
            }
        }
    }
}
