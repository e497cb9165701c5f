use http::{HeaderValue, Response};
use tower_http::classify::{ClassifiedResponse, ClassifyResponse, GrpcCode, GrpcErrorsAsFailures};

use super::{Classify, Outcome, TrailerRule};
use crate::{BoxError, rejection};

/// The codes that blame the caller or say that nothing is out of order. What is left blames the
/// server, as OpenTelemetry's conventions for gRPC servers list it: unknown, deadline exceeded,
/// unimplemented, internal, unavailable, data loss.
const NOT_THE_SERVERS_FAULT: [GrpcCode; 10] = [
    GrpcCode::Cancelled,
    GrpcCode::InvalidArgument,
    GrpcCode::NotFound,
    GrpcCode::AlreadyExists,
    GrpcCode::PermissionDenied,
    GrpcCode::ResourceExhausted,
    GrpcCode::FailedPrecondition,
    GrpcCode::Aborted,
    GrpcCode::OutOfRange,
    GrpcCode::Unauthenticated,
];

/// `unauthenticated`, the last code that gRPC knows.
const HIGHEST_CODE: u8 = 16;

/// Judges gRPC answers by the status in their head or in their trailers.
///
/// A call that fails before its first message carries `grpc-status` among the headers, and is
/// judged by it. One that answers carries it in the trailers: its head is a success, and a breaker
/// with [`track_bodies`](crate::circuit_breaker::CircuitBreakerBuilder::track_bodies) hears of
/// the trailers when they come, by the same rule. An HTTP status of 500 and above is a failure of something in
/// between, and so is every error that the middleware did not make itself (see [`rejection`]).
///
/// ```
/// use resilience::circuit_breaker::CircuitBreakerLayer;
/// use resilience::classify::GrpcClassify;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let breaker = CircuitBreakerLayer::builder("titles")
///     .classify(GrpcClassify::default())
///     .track_bodies()
///     .build()?;
/// # let _ = breaker;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct GrpcClassify {
    classifier: GrpcErrorsAsFailures,
    trailers: TrailerRule,
}

impl GrpcClassify {
    /// Judges by a classifier of tower-http, such as one with other codes that are no failures.
    pub fn new(classifier: GrpcErrorsAsFailures) -> Self {
        // The trailers are judged as the same status in a head would be.
        let is_failure = |code: &u8| {
            let mut head = Response::new(());
            let status = HeaderValue::from(u16::from(*code));
            head.headers_mut().insert("grpc-status", status);
            matches!(
                classifier.clone().classify_response(&head),
                ClassifiedResponse::Ready(Err(_))
            )
        };
        let trailers = TrailerRule::grpc_failures((0..=HIGHEST_CODE).filter(is_failure));
        Self {
            classifier,
            trailers,
        }
    }

    /// Only codes that blame the server are failures (the default).
    pub fn server_errors() -> Self {
        let all = GrpcErrorsAsFailures::new();
        Self::new(
            NOT_THE_SERVERS_FAULT
                .into_iter()
                .fold(all, GrpcErrorsAsFailures::with_success),
        )
    }
}

impl Default for GrpcClassify {
    fn default() -> Self {
        Self::server_errors()
    }
}

impl<B> Classify<Response<B>, BoxError> for GrpcClassify {
    fn classify(&self, result: Result<&Response<B>, &BoxError>) -> Outcome {
        let response = match result {
            Ok(response) => response,
            Err(error) if rejection::is_rejection(error.as_ref()) => return Outcome::Neutral,
            Err(_) => return Outcome::Failure,
        };
        if response.status().is_server_error() {
            return Outcome::Failure;
        }
        match self.classifier.clone().classify_response(response) {
            ClassifiedResponse::Ready(Err(_)) => Outcome::Failure,
            ClassifiedResponse::Ready(Ok(())) | ClassifiedResponse::RequiresEos(_) => {
                Outcome::Success
            }
        }
    }

    fn trailers(&self) -> TrailerRule {
        self.trailers
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Response;
    use tower_http::classify::GrpcErrorsAsFailures;

    use super::GrpcClassify;
    use crate::BoxError;
    use crate::classify::{Classify, Outcome};
    use crate::deadline::DeadlinePassed;

    fn judge(classify: &GrpcClassify, answer: &Response<()>) -> Outcome {
        Classify::<_, BoxError>::classify(classify, Ok(answer))
    }

    fn failed_at_once(status: &str) -> Response<()> {
        let answer = Response::builder().header("grpc-status", status);
        answer.body(()).unwrap()
    }

    #[test]
    fn codes_that_blame_the_server_are_failures_and_no_others() {
        let failures: Vec<u8> = (0..=16)
            .filter(|code| {
                let answer = failed_at_once(&code.to_string());
                judge(&GrpcClassify::default(), &answer) == Outcome::Failure
            })
            .collect();
        assert_eq!(failures, [2, 4, 12, 13, 14, 15]);
    }

    #[test]
    fn which_codes_are_failures_can_be_chosen() {
        let classify = GrpcClassify::new(GrpcErrorsAsFailures::new());
        assert_eq!(judge(&classify, &failed_at_once("5")), Outcome::Failure);
        assert_eq!(judge(&classify, &failed_at_once("0")), Outcome::Success);
    }

    #[test]
    fn a_head_without_a_status_leaves_it_to_the_trailers() {
        let classify = GrpcClassify::default();
        assert_eq!(judge(&classify, &Response::new(())), Outcome::Success);
    }

    #[test]
    fn a_proxy_that_answers_503_is_a_failure() {
        let answer = Response::builder().status(503).body(()).unwrap();
        assert_eq!(judge(&GrpcClassify::default(), &answer), Outcome::Failure);
    }

    #[test]
    fn a_status_that_is_no_number_blames_nobody() {
        let classify = GrpcClassify::default();
        assert_eq!(judge(&classify, &failed_at_once("x")), Outcome::Success);
    }

    #[test]
    fn what_the_middleware_rejects_is_neutral() {
        let judge = |error: BoxError| {
            Classify::<Response<()>, _>::classify(&GrpcClassify::default(), Err(&error))
        };
        assert_eq!(
            judge(DeadlinePassed::before_work("titles", Duration::ZERO).into()),
            Outcome::Neutral
        );
        assert_eq!(judge("connection reset".into()), Outcome::Failure);
    }
}
