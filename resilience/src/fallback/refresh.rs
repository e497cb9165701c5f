//! Asking the dependency again while an older answer is given.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, Request, Response, StatusCode, header};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use super::future::keep;
use super::key::Key;
use super::layer::Shared;
use super::store::{RefreshEnd, Store};
use crate::BoxError;
use crate::body::ResponseBody;
use crate::classify::{Classify, Outcome};
use crate::context::{CallContext, Carried};
use crate::ledger::Reason;
use crate::rejection;
use crate::telemetry::{Counter, Telemetry, names};

/// What asks for an answer only in case that it differs from a copy, or does not.
const CONDITIONS: [HeaderName; 5] = [
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
    header::IF_RANGE,
];

/// Which stand-in gives answers at once, and what it counts.
#[derive(Debug)]
pub(super) struct AtOnce {
    pub(super) index: usize,
    fresh: Counter,
    stale: Counter,
    replaced: Counter,
    superseded: Counter,
    failed: Counter,
}

impl AtOnce {
    pub(super) fn new(client: &str, index: usize, telemetry: &Telemetry) -> Self {
        let given = |age| telemetry.counter(&names::STORED_ANSWERS, &[client, age]);
        let refreshed = |result| telemetry.counter(&names::REFRESHES, &[client, result]);
        Self {
            index,
            fresh: given("fresh"),
            stale: given("stale"),
            replaced: refreshed("replaced"),
            superseded: refreshed("superseded"),
            failed: refreshed("failed"),
        }
    }

    pub(super) fn count(&self, is_fresh: bool) {
        let counter = if is_fresh { &self.fresh } else { &self.stale };
        counter.increment();
    }
}

/// A refresh that has to be made. Dropped before its end, it lets another one begin.
#[derive(Debug)]
pub(super) struct Refresh {
    shared: Arc<Shared>,
    store: Arc<Store>,
    key: Key,
    kept_at: Instant,
    end: RefreshEnd,
    runtime: Handle,
}

impl Refresh {
    pub(super) const fn new(
        shared: Arc<Shared>,
        store: Arc<Store>,
        key: Key,
        kept_at: Instant,
        runtime: Handle,
    ) -> Self {
        Self {
            shared,
            store,
            key,
            kept_at,
            end: RefreshEnd::Unknown,
            runtime,
        }
    }

    /// The request of a refresh: it has no deadline and no ledger of somebody who waits, only
    /// their priority and trace. And it asks for the whole answer, whatever copy they have.
    pub(super) fn request(mut request: Request<Bytes>) -> (Request<Bytes>, CallContext) {
        let context = CallContext::of(request.extensions()).unwrap_or_default();
        let context = CallContext::new(None, context.priority(), *context.trace());
        Carried::edit(request.extensions_mut()).context = Some(context.clone());
        for name in &CONDITIONS {
            request.headers_mut().remove(name);
        }
        (request, context)
    }

    /// Waits for the answer in a task of its own, at most for as long as answers are kept.
    pub(super) fn start<F, E, C>(self, context: CallContext, answer: F, classify: C)
    where
        F: Future<Output = Result<Response<ResponseBody>, E>> + Send + 'static,
        E: Into<BoxError>,
        C: Classify<Response<ResponseBody>, BoxError> + Send + 'static,
    {
        let runtime = self.runtime.clone();
        runtime.spawn(context.scope(async move {
            let answer = timeout(self.store.maximum_age(), answer).await;
            self.finish(answer.ok().map(|it| it.map_err(Into::into)), &classify);
        }));
    }

    /// Takes in the answer, or that there was none in time.
    fn finish<C>(mut self, answer: Option<Result<Response<ResponseBody>, BoxError>>, classify: &C)
    where
        C: Classify<Response<ResponseBody>, BoxError>,
    {
        let failure = answer.as_ref().map_or(Some(Reason::Timeout), |result| {
            let is_failure = classify.classify(result.as_ref()) == Outcome::Failure;
            match result {
                Err(error) => Some(rejection::reason(error.as_ref())),
                Ok(_) => is_failure.then_some(Reason::Status),
            }
        });
        // Nobody asked whether something had changed: what was kept is as true as before.
        let is_unchanged = |it: &Response<_>| it.status() == StatusCode::NOT_MODIFIED;
        if matches!(&answer, Some(Ok(response)) if is_unchanged(response)) {
            return;
        }
        let is_kept = failure.is_none()
            && matches!(&answer, Some(Ok(response)) if keep(&self.shared, &self.key, response));
        self.end = failure.map_or(RefreshEnd::Superseded, RefreshEnd::Failed);
        if let Some(at_once) = &self.shared.at_once {
            match failure {
                Some(_) => at_once.failed.increment(),
                None if is_kept => at_once.replaced.increment(),
                None => at_once.superseded.increment(),
            }
        }
    }
}

impl Drop for Refresh {
    fn drop(&mut self) {
        self.store
            .end_refresh(&self.key.text, self.kept_at, self.end);
    }
}
