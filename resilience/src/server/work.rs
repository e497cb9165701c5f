//! The handler at work: inside its context, until its deadline, with its panics caught.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use http::Response;
use http_body_util::Either;

use super::answer::{self, ServerBody};
use super::count::Counts;
use crate::BoxError;
use crate::context::CallContext;
use crate::ledger::Reason;

/// Runs a handler.
///
/// A write is a task of its own: neither its deadline nor a broken connection stops it half way.
pub(super) async fn run<F, B, E>(
    handling: F,
    context: CallContext,
    only_reads: bool,
    counts: &Counts,
) -> Response<ServerBody<B>>
where
    F: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Send + 'static,
    E: Into<BoxError> + Send + 'static,
{
    let deadline = context.deadline();
    let guarded = AssertUnwindSafe(handling).catch_unwind();
    let until_the_end = async {
        if only_reads {
            return context.scope(guarded).await;
        }
        let joined = context.spawn(guarded).await;
        joined.unwrap_or_else(|error| Err(Box::new(error)))
    };
    let result = match deadline {
        Some(deadline) => match tokio::time::timeout_at(deadline, until_the_end).await {
            Ok(result) => result,
            Err(_) => {
                counts.rejected("deadline", "deadline", Reason::Deadline);
                return answer::too_late();
            }
        },
        None => until_the_end.await,
    };
    match result {
        Ok(Ok(response)) => response.map(Either::Left),
        Ok(Err(error)) => {
            let error: BoxError = error.into();
            tracing::error!(%error, "a handler failed: {error}");
            answer::broken()
        }
        Err(_panic) => {
            counts.panicked();
            answer::broken()
        }
    }
}
