use super::{Classify, Outcome};
use crate::{BoxError, rejection};

/// Any answer is a success, whatever it says; for services whose answers are not of HTTP.
///
/// An error is an [`Outcome::Failure`], except that what the middleware itself rejected (see
/// [`rejection`]) is [`Outcome::Neutral`].
#[derive(Debug, Clone, Copy, Default)]
pub struct AnyAnswer;

impl<R> Classify<R, BoxError> for AnyAnswer {
    fn classify(&self, result: Result<&R, &BoxError>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(error) if rejection::is_rejection(error.as_ref()) => Outcome::Neutral,
            Err(_) => Outcome::Failure,
        }
    }
}
