//! As what a caller gets the rejections of a breaker and the errors of the service behind it.

use super::error::CircuitOpen;
use crate::BoxError;

/// Joins rejections with the errors `E` of the service. Sealed: [`Boxed`] and [`Typed`] are all
/// there are.
pub trait Errors<E>: Clone + sealed::Joins<E> {}

impl<E, J: Clone + sealed::Joins<E>> Errors<E> for J {}

mod sealed {
    use super::CircuitOpen;

    pub trait Joins<E> {
        /// An error of the service, as it is classified.
        type Judged;
        /// What the caller gets.
        type Error;

        fn judged(&self, error: E) -> Self::Judged;
        fn failed(&self, error: Self::Judged) -> Self::Error;
        fn rejected(&self, error: CircuitOpen) -> Self::Error;
    }
}

pub(super) use sealed::Joins;

/// Everything is a [`BoxError`], as in the rest of a stack.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Boxed;

impl<E: Into<BoxError>> Joins<E> for Boxed {
    type Judged = BoxError;
    type Error = BoxError;

    #[inline]
    fn judged(&self, error: E) -> BoxError {
        error.into()
    }

    #[inline]
    fn failed(&self, error: BoxError) -> BoxError {
        error
    }

    fn rejected(&self, error: CircuitOpen) -> BoxError {
        error.into()
    }
}

/// Each case has its type, and a rejection allocates nothing.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Typed;

impl<E> Joins<E> for Typed {
    type Judged = E;
    type Error = BreakerError<E>;

    #[inline]
    fn judged(&self, error: E) -> E {
        error
    }

    #[inline]
    fn failed(&self, error: E) -> BreakerError<E> {
        BreakerError::Failed(error)
    }

    #[inline]
    fn rejected(&self, error: CircuitOpen) -> BreakerError<E> {
        BreakerError::Open(error)
    }
}

/// Why a call through a breaker with [typed errors](super::CircuitBreakerBuilder::typed_errors)
/// has no answer.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum BreakerError<E> {
    /// The breaker rejected it, and the service was not called.
    #[error("the circuit breaker rejected the call")]
    Open(#[source] CircuitOpen),
    /// The service was called and failed.
    #[error("the call failed")]
    Failed(#[source] E),
}
