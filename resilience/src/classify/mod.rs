//! Was this call a success, for the statistics of a breaker, a balancer or a budget?

/// What one finished call says about the health of the dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The dependency did its work.
    Success,
    /// The dependency is to blame.
    Failure,
    /// The call says nothing about the dependency: the middleware itself rejected it,
    /// or nobody waited for the end of it.
    Neutral,
}

/// Judges one finished call.
///
/// Implementations are pure and cheap: they run on every call.
pub trait Classify<Response, Error> {
    /// What the result of a call says about the dependency.
    fn classify(&self, result: Result<&Response, &Error>) -> Outcome;
}
