//! What is believed of an arriving request, and what the answer says about itself.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};

use crate::context::{CallContext, Priority, headers};

/// Who is on the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Boundary {
    /// Strangers.
    Edge,
    /// Our own services.
    Internal,
}

impl Boundary {
    /// The context of an arriving request, whose deadline is `reserve` before the caller's. At
    /// the edge what strangers may not say is removed first, so that no handler sees it either,
    /// and its priority is what we say.
    pub(super) fn enter(
        self,
        arriving: &mut HeaderMap,
        priority: Option<Priority>,
        default_deadline: Option<Duration>,
        reserve: Duration,
    ) -> CallContext {
        if self == Self::Edge {
            headers::strip_internal(arriving);
            if let Some(priority) = priority {
                let word = HeaderValue::from_static(priority.as_str());
                arriving.insert(headers::PRIORITY, word);
            }
        }
        headers::read_context(arriving, default_deadline, reserve)
    }
}

/// Writes the ledger into the answer, and that a failing one was repeated in vain.
pub(super) fn leave(answer: &mut HeaderMap, status: StatusCode, context: &CallContext) -> bool {
    // What the handler itself put there is not in the ledger's words.
    answer.remove(headers::DEGRADATION);
    if status.is_server_error() {
        if context.is_not_retryable() {
            answer.insert(headers::NO_RETRY, HeaderValue::from_static("1"));
        }
        // A failure has no parts that could have been replaced.
        return false;
    }
    let Some(value) = context.ledger().to_header() else {
        return false;
    };
    answer.insert(headers::DEGRADATION, value);
    true
}
