//! What a panic is answered with.

use std::any::Any;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use tower_http::catch_panic::ResponseForPanic;

use super::answer;
use super::layer::Shared;

/// Counts a panic and answers with a 500. What the panic said was printed by the panic hook and
/// is not repeated, least of all to the caller.
#[derive(Clone)]
pub(super) struct PanicAnswer(pub(super) Arc<Shared>);

impl ResponseForPanic for PanicAnswer {
    type ResponseBody = Full<Bytes>;

    fn response_for_panic(
        &mut self,
        panic: Box<dyn Any + Send + 'static>,
    ) -> Response<Full<Bytes>> {
        if !self.0.catch_panics {
            resume_unwind(panic);
        }
        self.0.counts.panicked();
        answer::broken()
    }
}

impl fmt::Debug for PanicAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PanicAnswer")
            .finish_non_exhaustive()
    }
}
