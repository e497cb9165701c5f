//! What a request carries from hop to hop: deadline, priority, trace and ledger.
//!
//! The server side puts a [`CallContext`] into the request's extensions and into a task-local;
//! client stacks read it, so that a handler need not pass it on by hand. A task that a handler
//! starts with [`CallContext::spawn`] has it too; one that is started with `tokio::spawn` has not.

mod carried;
pub mod headers;
mod priority;
mod trace;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Extensions;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::ledger::{Degradation, Ledger};

pub(crate) use carried::{Carried, Copied};
pub use priority::Priority;
pub use trace::TraceContext;

tokio::task_local! {
    static CURRENT: CallContext;
}

/// What one request carries. Clones share everything.
#[derive(Debug, Clone)]
pub struct CallContext {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    deadline: Option<Instant>,
    priority: Priority,
    trace: TraceContext,
    ledger: Ledger,
    retries_exhausted: AtomicBool,
    had_no_time: AtomicBool,
}

impl CallContext {
    /// A context for a request that arrives or begins here.
    pub fn new(deadline: Option<Instant>, priority: Priority, trace: TraceContext) -> Self {
        Self {
            inner: Arc::new(Inner {
                deadline,
                priority,
                trace,
                ledger: Ledger::default(),
                retries_exhausted: AtomicBool::new(false),
                had_no_time: AtomicBool::new(false),
            }),
        }
    }

    /// The context of the task that runs.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// The context that was put into a request, or else the one of the task that runs.
    pub fn of(extensions: &Extensions) -> Option<Self> {
        Self::in_request(extensions).cloned().or_else(Self::current)
    }

    fn in_request(extensions: &Extensions) -> Option<&Self> {
        let carried = Carried::of(extensions);
        carried
            .and_then(|carried| carried.context.as_ref())
            .or_else(|| extensions.get())
    }

    /// The deadline of the context that a request [has](Self::of).
    pub(crate) fn deadline_of(extensions: &Extensions) -> Option<Instant> {
        match Self::in_request(extensions) {
            Some(context) => context.deadline(),
            None => CURRENT.try_with(Self::deadline).ok().flatten(),
        }
    }

    /// When the answer is no longer of use.
    pub fn deadline(&self) -> Option<Instant> {
        self.inner.deadline
    }

    /// How long the answer is still of use; zero when it no longer is.
    pub fn remaining(&self) -> Option<Duration> {
        let deadline = self.inner.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// How much the request matters when not all can be served.
    pub fn priority(&self) -> Priority {
        self.inner.priority
    }

    /// Where the request stands in its trace.
    pub fn trace(&self) -> &TraceContext {
        &self.inner.trace
    }

    /// What was replaced in the answer so far.
    pub fn ledger(&self) -> &Ledger {
        &self.inner.ledger
    }

    /// Records a part of the answer that the handler itself replaced.
    pub fn degrade(&self, degradation: Degradation) {
        self.inner.ledger.record(degradation);
    }

    /// Says that a call on behalf of this request was repeated in vain: if the answer is a
    /// failure, the caller must not repeat it once more.
    pub fn mark_not_retryable(&self) {
        self.inner.retries_exhausted.store(true, Ordering::Relaxed);
    }

    /// Whether a call on behalf of this request was repeated in vain.
    pub fn is_not_retryable(&self) -> bool {
        self.inner.retries_exhausted.load(Ordering::Relaxed)
    }

    /// Says that a call on behalf of this request could have been repeated, but for its deadline:
    /// whoever shares the call may have more time.
    pub(crate) fn mark_no_time(&self) {
        self.inner.had_no_time.store(true, Ordering::Relaxed);
    }

    /// Whether a call on behalf of this request was not repeated for its deadline alone.
    pub(crate) fn had_no_time(&self) -> bool {
        self.inner.had_no_time.load(Ordering::Relaxed)
    }

    /// Runs `future` with this as the current context.
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, future)
    }

    /// Runs `step` with this as the current context.
    pub(crate) fn enter<T>(self, step: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, step)
    }

    /// Runs `future` as a task of its own with this as the current context.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, as `tokio::spawn` does.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        tokio::spawn(CURRENT.scope(self.clone(), future))
    }
}

impl Default for CallContext {
    /// No deadline, ordinary priority, a new trace.
    fn default() -> Self {
        Self::new(None, Priority::default(), TraceContext::begin())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_spawned_through_the_context_has_it() {
        let context = CallContext::default();
        let trace = *context.trace();
        let inside = context
            .scope(async {
                let spawned = CallContext::current()
                    .unwrap()
                    .spawn(async { CallContext::current().map(|context| *context.trace()) });
                let bare = tokio::spawn(async { CallContext::current().is_none() });
                (spawned.await.unwrap(), bare.await.unwrap())
            })
            .await;
        assert_eq!(inside, (Some(trace), true));
        assert!(CallContext::current().is_none());
    }
}
