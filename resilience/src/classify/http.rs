use http::{Request, Response};
use tower_http::classify::{
    ClassifiedResponse, ClassifyResponse, MakeClassifier, ServerErrorsAsFailures,
};

use super::{Classify, Outcome};
use crate::{BoxError, rejection};

/// Judges HTTP answers by a classifier of tower-http.
///
/// A failure class of the classifier is an [`Outcome::Failure`], and so is every error, except
/// that what the middleware itself rejected (see [`rejection`]) is [`Outcome::Neutral`]: an open
/// breaker must not keep itself open, and a full bulkhead must not open one.
///
/// The classifier is made once, with a blank request. One that needs the end of the stream (such
/// as that for gRPC) is asked for the head alone, and a head that promises trailers is a success.
#[derive(Debug, Clone, Default)]
pub struct HttpClassify<C = ServerErrorsAsFailures> {
    classifier: C,
}

impl HttpClassify {
    /// Answers with a status of 500 and above, and errors, are failures.
    pub fn server_errors() -> Self {
        Self::default()
    }
}

impl<C: ClassifyResponse + Clone> HttpClassify<C> {
    /// Wraps what `make` makes, for example
    /// `&StatusInRangeAsFailures::new(400..=599).into_make_classifier()`.
    pub fn new<M>(make: &M) -> Self
    where
        M: MakeClassifier<Classifier = C, FailureClass = C::FailureClass>,
    {
        Self {
            classifier: make.make_classifier(&Request::new(())),
        }
    }
}

impl<C, B> Classify<Response<B>, BoxError> for HttpClassify<C>
where
    C: ClassifyResponse + Clone,
{
    fn classify(&self, result: Result<&Response<B>, &BoxError>) -> Outcome {
        let response = match result {
            Ok(response) => response,
            Err(error) if rejection::is_rejection(error.as_ref()) => return Outcome::Neutral,
            Err(_) => return Outcome::Failure,
        };
        match self.classifier.clone().classify_response(response) {
            ClassifiedResponse::Ready(Err(_)) => Outcome::Failure,
            ClassifiedResponse::Ready(Ok(())) | ClassifiedResponse::RequiresEos(_) => {
                Outcome::Success
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{Response, StatusCode};
    use tower_http::classify::StatusInRangeAsFailures;

    use super::HttpClassify;
    use crate::BoxError;
    use crate::classify::{Classify, Outcome};
    use crate::deadline::DeadlinePassed;

    fn answer(status: StatusCode) -> Response<()> {
        Response::builder().status(status).body(()).unwrap()
    }

    #[test]
    fn server_errors_are_failures_and_client_errors_are_not() {
        let classify = HttpClassify::server_errors();
        let judge = |status| Classify::<_, BoxError>::classify(&classify, Ok(&answer(status)));
        assert_eq!(judge(StatusCode::OK), Outcome::Success);
        assert_eq!(judge(StatusCode::NOT_FOUND), Outcome::Success);
        assert_eq!(judge(StatusCode::INTERNAL_SERVER_ERROR), Outcome::Failure);
        assert_eq!(judge(StatusCode::SERVICE_UNAVAILABLE), Outcome::Failure);
    }

    #[test]
    fn any_classifier_of_tower_http_fits() {
        let make = StatusInRangeAsFailures::new(400..=599).into_make_classifier();
        let classify = HttpClassify::new(&make);
        let judge = |status| Classify::<_, BoxError>::classify(&classify, Ok(&answer(status)));
        assert_eq!(judge(StatusCode::NOT_FOUND), Outcome::Failure);
        assert_eq!(judge(StatusCode::OK), Outcome::Success);
    }

    #[test]
    fn errors_are_failures_unless_the_middleware_rejected_the_call() {
        let classify = HttpClassify::server_errors();
        let judge = |error: BoxError| Classify::<Response<()>, _>::classify(&classify, Err(&error));
        assert_eq!(judge("connection reset".into()), Outcome::Failure);
        assert_eq!(
            judge(DeadlinePassed::before_work("metadata", Duration::ZERO).into()),
            Outcome::Neutral
        );
    }

    #[test]
    fn a_closure_judges_too() {
        let never = |_: Result<&u8, &BoxError>| Outcome::Neutral;
        assert_eq!(Classify::classify(&never, Ok(&1)), Outcome::Neutral);
    }
}
