//! The response future, and what is remembered of a call until it ends.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower_service::Service;

use super::error::FailureStatus;
use super::key;
use super::layer::Shared;
use super::stand_in::{StandIn, StandInUsed, StoodIn};
use crate::BoxError;
use crate::body::ResponseBody;
use crate::classify::{Classify, Outcome};
use crate::context::CallContext;
use crate::ledger::{self, Degradation, Reason};
use crate::readiness::EagerFuture;
use crate::rejection;
use crate::stack::CallWeight;
use crate::telemetry::Event;

pin_project! {
    /// Response future of [`FallbackService`](super::FallbackService).
    pub struct ResponseFuture<S, C>
    where
        S: Service<Request<Bytes>>,
    {
        #[pin]
        future: EagerFuture<S, Request<Bytes>>,
        call: Call,
        classify: C,
    }
}

impl<S, C> ResponseFuture<S, C>
where
    S: Service<Request<Bytes>>,
{
    pub(super) const fn new(
        future: EagerFuture<S, Request<Bytes>>,
        call: Call,
        classify: C,
    ) -> Self {
        Self {
            future,
            call,
            classify,
        }
    }
}

impl<S, C> Future for ResponseFuture<S, C>
where
    S: Service<Request<Bytes>, Response = Response<ResponseBody>>,
    S::Error: Into<BoxError>,
    C: Classify<Response<ResponseBody>, BoxError>,
{
    type Output = Result<Response<ResponseBody>, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.future.poll(context)).map_err(Into::into);
        let is_failure = this.classify.classify(result.as_ref()) == Outcome::Failure;
        Poll::Ready(match result {
            Ok(response) if is_failure => {
                let error = FailureStatus::new(response.status()).into();
                let stood_in = this.call.replace(Reason::Status, &error);
                Ok(stood_in.unwrap_or(response))
            }
            Ok(response) => {
                this.call.keep(&response);
                this.call.merge(None, response.headers());
                Ok(response)
            }
            Err(error) => {
                let reason = rejection::reason(error.as_ref());
                this.call.replace(reason, &error).ok_or(error)
            }
        })
    }
}

/// What is remembered of a call until it ends.
pub(super) struct Call {
    shared: Arc<Shared>,
    weight: f64,
    context: Option<CallContext>,
    /// Where some stand-in keeps answers, and this one may be kept.
    key: Option<String>,
    /// Where some stand-in must see it; in a box, since most calls carry only its absence.
    request: Option<Box<Request<Bytes>>>,
}

impl Call {
    pub(super) fn of(request: &Request<Bytes>, shared: Arc<Shared>) -> Self {
        let extensions = request.extensions();
        let weight = extensions
            .get::<CallWeight>()
            .map_or(shared.weight, |CallWeight(weight)| weight.clamp(0.0, 1.0));
        let context = CallContext::of(extensions);
        let keeps = shared.stand_ins.iter().any(|it| it.store().is_some());
        let key = keeps.then(|| key::of(request)).flatten();
        let needs_request = shared.stand_ins.iter().any(StandIn::needs_request);
        Self {
            request: needs_request.then(|| Box::new(request.clone())),
            weight,
            context,
            key,
            shared,
        }
    }

    /// The answer of the first stand-in that has one.
    fn replace(&self, reason: Reason, error: &BoxError) -> Option<Response<ResponseBody>> {
        let (stand_in, stood_in) = self.shared.stand_ins.iter().find_map(|stand_in| {
            let stood_in = stand_in.answer(self.key.as_deref(), self.request.as_deref(), error)?;
            Some((stand_in, stood_in))
        })?;
        let StoodIn { mut response, age } = stood_in;
        response.extensions_mut().insert(StandInUsed);
        let degradation = self.degradation(stand_in, reason, age);
        stand_in.count(reason);
        self.shared.telemetry.emit(Event::Degraded {
            dependency: degradation.dependency.clone(),
            reason: reason.as_str().to_owned(),
            stood_in: degradation.stood_in.clone(),
            weight: degradation.weight * self.weight,
        });
        self.merge(Some(degradation), response.headers());
        Some(response.map(ResponseBody::from))
    }

    /// The entry of a stand-in, as a share of the answer that it replaces.
    fn degradation(
        &self,
        stand_in: &StandIn,
        reason: Reason,
        age: Option<Duration>,
    ) -> Degradation {
        Degradation {
            dependency: self.shared.name.clone(),
            reason,
            stood_in: stand_in.name.clone(),
            weight: stand_in.share,
            age,
        }
    }

    /// Merges what the answer that the caller gets lacks into the ledger of the context.
    fn merge(&self, of_stand_in: Option<Degradation>, headers: &HeaderMap) {
        let Some(context) = &self.context else {
            return;
        };
        if of_stand_in.is_none() && !headers.contains_key(ledger::HEADER) {
            return;
        }
        let mut entries: Vec<_> = of_stand_in.into_iter().collect();
        entries.extend(ledger::parse(headers));
        context.ledger().merge(entries, self.weight);
    }

    /// Keeps a good answer where it may be kept.
    fn keep(&self, response: &Response<ResponseBody>) {
        let (Some(key), Some(body)) = (&self.key, response.body().bytes()) else {
            return;
        };
        if !response.status().is_success() || forbids_storing(response.headers()) {
            return;
        }
        let now = Instant::now();
        for store in self.shared.stand_ins.iter().filter_map(StandIn::store) {
            store.keep(key, response.status(), response.headers(), body, now);
        }
    }
}

fn forbids_storing(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|directive| directive.trim().eq_ignore_ascii_case("no-store"))
}
