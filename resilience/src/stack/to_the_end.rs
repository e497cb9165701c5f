//! Judging an answer that was collected whole by its trailers, too.

use http::Response;

use crate::BoxError;
use crate::body::ResponseBody;
use crate::classify::{Classify, Outcome, TrailerRule};

/// What every part of a stack judges by: its classifier, and where the body has come to its end
/// already, what that classifier says about trailers.
#[derive(Debug, Clone)]
pub(super) struct ToTheEnd<C>(pub(super) C);

impl<C> Classify<Response<ResponseBody>, BoxError> for ToTheEnd<C>
where
    C: Classify<Response<ResponseBody>, BoxError>,
{
    fn classify(&self, result: Result<&Response<ResponseBody>, &BoxError>) -> Outcome {
        let outcome = self.0.classify(result);
        match result.ok().and_then(|response| response.body().trailers()) {
            Some(trailers) if outcome == Outcome::Success => self.0.trailers().judge(trailers),
            _ => outcome,
        }
    }

    fn trailers(&self) -> TrailerRule {
        self.0.trailers()
    }
}
