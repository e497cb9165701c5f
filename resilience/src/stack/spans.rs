//! The spans of a client stack: `call`, as its caller sees it, and in it one `attempt` for each
//! request that is sent or rejected.

use http::Response;
use tracing::{Span, field};

use crate::BoxError;

/// Says in the span what came of it: the status, or `error` with what stood in its way.
pub(super) fn end<B>(span: &Span, result: &Result<Response<B>, BoxError>) {
    match result {
        Ok(response) => span.record("status", response.status().as_u16()),
        Err(error) => span.record("error", field::display(error)),
    };
}
