//! Was this call a success, for the statistics of a breaker, a balancer or a budget?

mod any_answer;
mod grpc;
mod http;
mod trailers;

pub use self::any_answer::AnyAnswer;
pub use self::grpc::GrpcClassify;
pub use self::http::HttpClassify;
pub use self::trailers::TrailerRule;

/// What one finished call says about the health of the dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The dependency did its work.
    Success,
    /// The dependency is to blame.
    Failure,
    /// The call says nothing about the dependency: the middleware itself rejected it,
    /// or nobody waited for the end of it.
    Neutral,
}

impl Outcome {
    /// The label that stands in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Neutral => "neutral",
        }
    }
}

/// Judges one finished call.
///
/// Implementations are pure and cheap: they run on every call. A closure
/// `Fn(Result<&Response, &Error>) -> Outcome` is one.
pub trait Classify<Response, Error> {
    /// What the result of a call says about the dependency.
    fn classify(&self, result: Result<&Response, &Error>) -> Outcome;

    /// What trailers say about a call whose head was a success, where somebody follows its body
    /// to the end (default: nothing).
    fn trailers(&self) -> TrailerRule {
        TrailerRule::ignored()
    }
}

impl<F, Response, Error> Classify<Response, Error> for F
where
    F: Fn(Result<&Response, &Error>) -> Outcome,
{
    fn classify(&self, result: Result<&Response, &Error>) -> Outcome {
        self(result)
    }
}
