//! Which errors are the middleware's own words, and what reason each error has in the ledger.
//!
//! Errors travel as [`BoxError`](crate::BoxError) through a stack. Both functions walk the chain
//! of sources, so that a wrapped rejection is still one.

use std::error::Error;
use std::io;

use crate::balance::NoEndpoint;
use crate::bulkhead::BulkheadFull;
use crate::circuit_breaker::CircuitOpen;
use crate::deadline::DeadlinePassed;
use crate::fault::InjectedAbort;
use crate::ledger::Reason;
use crate::rate_limit::RateLimited;
use crate::timeout::{BodyStalled, TimeoutElapsed};
use crate::transport::TransportError;

/// Whether the middleware itself turned the call away, so that it says nothing about the
/// dependency.
///
/// A timeout is none: the dependency had its chance.
pub fn is_rejection(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(|cause| rejection_reason(cause).is_some())
}

/// Why a call failed, in the words of the ledger; [`Reason::Error`] where nothing better is known.
///
/// The first cause along the chain that has a reason decides.
pub fn reason(error: &(dyn Error + 'static)) -> Reason {
    chain(error)
        .find_map(|cause| rejection_reason(cause).or_else(|| failure_reason(cause)))
        .unwrap_or(Reason::Error)
}

/// The first error of this kind along the chain.
pub(crate) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|cause| cause.downcast_ref())
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause: &&'a (dyn Error + 'static)| {
        cause.source()
    })
}

/// The reason of one of the errors that stand for a rejection. Every part adds its own here.
fn rejection_reason(error: &(dyn Error + 'static)) -> Option<Reason> {
    if error.is::<CircuitOpen>() {
        return Some(Reason::Open);
    }
    if error.is::<BulkheadFull>() {
        return Some(Reason::Full);
    }
    if error.is::<RateLimited>() {
        return Some(Reason::Limited);
    }
    if error.is::<NoEndpoint>() {
        return Some(Reason::NoEndpoint);
    }
    if error.is::<DeadlinePassed>() {
        return Some(Reason::Deadline);
    }
    None
}

/// The reason of an error that a dependency or the way to it caused.
fn failure_reason(error: &(dyn Error + 'static)) -> Option<Reason> {
    if error.is::<TimeoutElapsed>() || error.is::<BodyStalled>() {
        return Some(Reason::Timeout);
    }
    if error.is::<InjectedAbort>() {
        return Some(Reason::Reset);
    }
    if let Some(error) = error.downcast_ref::<TransportError>() {
        return Some(error.reason());
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return io_reason(error.kind());
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return (error.is_incomplete_message() || error.is_body_write_aborted())
            .then_some(Reason::Reset);
    }
    None
}

fn io_reason(kind: io::ErrorKind) -> Option<Reason> {
    match kind {
        io::ErrorKind::ConnectionRefused => Some(Reason::Refused),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::NotConnected => Some(Reason::Reset),
        io::ErrorKind::TimedOut => Some(Reason::Timeout),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{is_rejection, reason};
    use crate::BoxError;
    use crate::balance::NoEndpoint;
    use crate::ledger::Reason;

    #[derive(Debug, thiserror::Error)]
    #[error("while asking metadata")]
    struct Wrapped(#[source] BoxError);

    #[test]
    fn a_wrapped_rejection_is_still_one() {
        let error = Wrapped(NoEndpoint::new("metadata").into());
        assert!(is_rejection(&error));
        assert_eq!(reason(&error), Reason::NoEndpoint);
    }

    #[test]
    fn broken_connections_have_reasons_and_are_no_rejections() {
        for (kind, expected) in [
            (io::ErrorKind::ConnectionRefused, Reason::Refused),
            (io::ErrorKind::ConnectionReset, Reason::Reset),
            (io::ErrorKind::BrokenPipe, Reason::Reset),
            (io::ErrorKind::TimedOut, Reason::Timeout),
            (io::ErrorKind::Other, Reason::Error),
        ] {
            let error = Wrapped(io::Error::from(kind).into());
            assert!(!is_rejection(&error), "{kind:?}");
            assert_eq!(reason(&error), expected, "{kind:?}");
        }
    }
}
