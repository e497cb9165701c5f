//! The finished client.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use tower::ServiceExt;
use tower_service::Service;

use crate::BoxError;
use crate::balance::{BalanceHandle, EndpointStatus};
use crate::body::ResponseBody;
use crate::circuit_breaker::BreakerHandle;
use crate::concurrency::LimitHandle;
use crate::fault::Faults;
use crate::retry::BudgetHandle;

/// The share of the caller's own answer that one call provides, 0 to 1: put it into the
/// request's extensions to override the weight of the client for this call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CallWeight(pub f64);

/// Under which key the last good answer to this call is kept and looked up: put it into the
/// request's extensions where path and query do not say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FallbackKey(pub String);

/// A client of one dependency with the whole stack around it.
///
/// Clones are cheap and share everything: connections, load, breaker, budget. Requests
/// carry only path and query; the client fills in the endpoint.
#[derive(Clone)]
pub struct Client {
    name: Arc<str>,
    stack: Arc<dyn Stack>,
    handles: Arc<Handles>,
}

/// A stack without its type. Each call gets a clone of it inside the box of its future, so that
/// neither a client nor a call needs a box for a stack of its own.
trait Stack: Send + Sync {
    fn send(&self, request: Request<Bytes>) -> Answer;
}

type Answer = BoxFuture<'static, Result<Response<ResponseBody>, BoxError>>;

impl<S> Stack for S
where
    S: Service<Request<Bytes>, Response = Response<ResponseBody>, Error = BoxError>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    fn send(&self, request: Request<Bytes>) -> Answer {
        Box::pin(self.clone().oneshot(request))
    }
}

/// What can be looked at and steered from outside; `None` where the part was removed.
#[derive(Debug, Default)]
pub(super) struct Handles {
    pub(super) breaker: Option<BreakerHandle>,
    pub(super) balance: Option<BalanceHandle>,
    pub(super) bulkhead: Option<LimitHandle>,
    pub(super) retry_budget: Option<BudgetHandle>,
    pub(super) hedge_budget: Option<BudgetHandle>,
    pub(super) faults: Option<Faults>,
}

impl Client {
    pub(super) fn new<S>(name: Arc<str>, stack: S, handles: Handles) -> Self
    where
        S: Service<Request<Bytes>, Response = Response<ResponseBody>, Error = BoxError>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        Self {
            name,
            stack: Arc::new(stack),
            handles: Arc::new(handles),
        }
    }

    /// The name of the dependency.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The circuit breaker, to look at and to steer; `None` where it was removed.
    pub fn breaker(&self) -> Option<&BreakerHandle> {
        self.handles.breaker.as_ref()
    }

    /// The bulkhead, to look at; `None` where it was removed.
    pub fn bulkhead(&self) -> Option<&LimitHandle> {
        self.handles.bulkhead.as_ref()
    }

    /// The budget of the retry, to look at; `None` where that was removed.
    pub fn retry_budget(&self) -> Option<&BudgetHandle> {
        self.handles.retry_budget.as_ref()
    }

    /// The budget of the hedge, to look at; `None` where there is none.
    pub fn hedge_budget(&self) -> Option<&BudgetHandle> {
        self.handles.hedge_budget.as_ref()
    }

    /// The faults that were given to it, if any.
    pub fn faults(&self) -> Option<&Faults> {
        self.handles.faults.as_ref()
    }

    /// How each endpoint stands; nothing where the stack is switched off.
    pub fn endpoints(&self) -> Vec<EndpointStatus> {
        let handle = self.handles.balance.as_ref();
        handle.map(BalanceHandle::endpoints).unwrap_or_default()
    }

    /// Sends one request.
    ///
    /// # Errors
    ///
    /// What no part of the stack could make good: the error of the part that gave up
    /// stands in the chain of sources. A failure status is an answer and not an error.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<ResponseBody>, BoxError> {
        self.stack.send(request).await
    }
}

impl Service<Request<Bytes>> for Client {
    type Response = Response<ResponseBody>;
    type Error = BoxError;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // The stack is waited for inside the call.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        self.stack.send(request)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
