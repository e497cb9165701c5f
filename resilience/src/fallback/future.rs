//! The response future, and what is remembered of a call until it ends.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use pin_project_lite::pin_project;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tower_service::Service;

use super::error::FailureStatus;
use super::key::{self, Key};
use super::layer::Shared;
use super::refresh::Refresh;
use super::stand_in::{StandIn, StandInUsed, StoodIn};
use super::store::Given;
use crate::BoxError;
use crate::body::ResponseBody;
use crate::cache_control;
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
        stage: Stage<S, C>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<S, C>
    where
        S: Service<Request<Bytes>>,
    {
        Given { response: Option<Response<ResponseBody>> },
        Asked { #[pin] future: EagerFuture<S, Request<Bytes>>, call: Call, classify: C },
    }
}

impl<S, C> ResponseFuture<S, C>
where
    S: Service<Request<Bytes>>,
{
    /// The answer was at hand.
    pub(super) const fn given(response: Response<ResponseBody>) -> Self {
        let response = Some(response);
        Self {
            stage: Stage::Given { response },
        }
    }

    /// The dependency was asked.
    pub(super) const fn asked(
        future: EagerFuture<S, Request<Bytes>>,
        call: Call,
        classify: C,
    ) -> Self {
        Self {
            stage: Stage::Asked {
                future,
                call,
                classify,
            },
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
        let (future, call, classify) = match self.project().stage.project() {
            StageProjection::Given { response } => {
                // Polled once more after its end, as no future should be, it stays silent.
                return response
                    .take()
                    .map_or(Poll::Pending, |it| Poll::Ready(Ok(it)));
            }
            StageProjection::Asked {
                future,
                call,
                classify,
            } => (future, call, classify),
        };
        let result = ready!(future.poll(context)).map_err(Into::into);
        let is_failure = classify.classify(result.as_ref()) == Outcome::Failure;
        Poll::Ready(match result {
            Ok(response) if is_failure => {
                let error = FailureStatus::new(response.status()).into();
                let stood_in = call.replace(Reason::Status, &error);
                Ok(stood_in.unwrap_or(response))
            }
            Ok(response) => {
                call.keep(&response);
                call.merge(None, response.headers());
                Ok(response)
            }
            Err(error) => {
                let reason = rejection::reason(error.as_ref());
                call.replace(reason, &error).ok_or(error)
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
    key: Option<Key>,
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
        let key = self.key.as_ref().map(|key| key.text.as_str());
        let (stand_in, stood_in) = self.shared.stand_ins.iter().find_map(|stand_in| {
            let stood_in = stand_in.answer(key, self.request.as_deref(), error)?;
            Some((stand_in, stood_in))
        })?;
        Some(self.stand_in(stand_in, stood_in, reason))
    }

    /// An answer of the store that needs no waiting, and the refresh that it asks for.
    pub(super) fn give(
        &self,
        request: &Request<Bytes>,
    ) -> Option<(Response<ResponseBody>, Option<Refresh>)> {
        let at_once = self.shared.at_once.as_ref()?;
        // Without a runtime nothing could be refreshed: the dependency is asked as ever.
        let runtime = Handle::try_current().ok()?;
        let key = self.key.as_ref()?;
        if cache_control::says(request.headers(), "no-cache") {
            return None;
        }
        let stand_in = self.shared.stand_ins.get(at_once.index)?;
        let store = stand_in.store()?;
        let Given {
            response,
            age,
            is_fresh,
            refresh,
            refresh_failed,
        } = store.give(&key.text, Instant::now())?;
        at_once.count(is_fresh);
        let refresh = refresh.map(|kept_at| {
            let shared = Arc::clone(&self.shared);
            Refresh::new(shared, Arc::clone(store), key.clone(), kept_at, runtime)
        });
        let Some(reason) = refresh_failed else {
            return Some((response.map(ResponseBody::from), refresh));
        };
        let age = Some(age);
        let response = self.stand_in(stand_in, StoodIn { response, age }, reason);
        Some((response, refresh))
    }

    /// What stands in, marked and recorded.
    fn stand_in(
        &self,
        stand_in: &StandIn,
        stood_in: StoodIn,
        reason: Reason,
    ) -> Response<ResponseBody> {
        let StoodIn { mut response, age } = stood_in;
        response.extensions_mut().insert(StandInUsed);
        let degradation = self.degradation(stand_in, reason, age);
        stand_in.count(reason);
        self.shared.telemetry.tell(|| Event::Degraded {
            dependency: degradation.dependency.clone(),
            reason: reason.as_str().to_owned(),
            stood_in: degradation.stood_in.clone(),
            weight: degradation.weight * self.weight,
        });
        self.merge(Some(degradation), response.headers());
        response.map(ResponseBody::from)
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

    fn keep(&self, response: &Response<ResponseBody>) {
        if let Some(key) = &self.key {
            keep(&self.shared, key, response);
        }
    }
}

/// Keeps a good answer where it may be kept; `false` if it may not.
pub(super) fn keep(shared: &Shared, key: &Key, response: &Response<ResponseBody>) -> bool {
    let Some(body) = response.body().bytes() else {
        return false;
    };
    let headers = response.headers();
    let may_be_kept = !cache_control::says(headers, "no-store") && key.suits(headers);
    if !response.status().is_success() || !may_be_kept {
        return false;
    }
    let now = Instant::now();
    for store in shared.stand_ins.iter().filter_map(StandIn::store) {
        store.keep(&key.text, response.status(), headers, body, now);
    }
    true
}
