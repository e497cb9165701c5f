//! How a call can fail on the wire.

use std::error::Error;
use std::fmt;
use std::io;

use crate::BoxError;
use crate::ledger::Reason;

/// The ways in which the wire fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// Nobody listens at the endpoint. Nothing was sent, so any call may be repeated.
    Refused,
    /// No connection came about for another reason: no answer in time, no route, no such
    /// name. Nothing was sent.
    Connect,
    /// The connection broke while the call was under way.
    Reset,
    /// Anything else, such as an answer that is not HTTP.
    Other,
}

impl TransportErrorKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused the connection",
            Self::Connect => "could not be connected to",
            Self::Reset => "broke the connection off",
            Self::Other => "failed",
        }
    }
}

/// A call failed on the wire.
#[derive(Debug)]
pub struct TransportError {
    kind: TransportErrorKind,
    endpoint: String,
    source: BoxError,
}

impl TransportError {
    /// An error of this kind at `endpoint` (`host:port`). Transports of your own use it, so
    /// that retry and ledger understand them.
    pub fn new(
        kind: TransportErrorKind,
        endpoint: impl Into<String>,
        source: impl Into<BoxError>,
    ) -> Self {
        Self {
            kind,
            endpoint: endpoint.into(),
            source: source.into(),
        }
    }

    /// How the call failed.
    pub const fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    /// `host:port` of the endpoint that was called.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Whether it is certain that the dependency saw nothing of the call.
    pub const fn is_unsent(&self) -> bool {
        matches!(
            self.kind,
            TransportErrorKind::Refused | TransportErrorKind::Connect
        )
    }

    /// What a ledger calls this failure.
    pub fn reason(&self) -> Reason {
        match self.kind {
            TransportErrorKind::Refused => Reason::Refused,
            TransportErrorKind::Reset => Reason::Reset,
            TransportErrorKind::Connect if is_timeout(&*self.source) => Reason::Timeout,
            TransportErrorKind::Connect | TransportErrorKind::Other => Reason::Error,
        }
    }

    /// The transport's error in the chain of `error`, if the wire is to blame.
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        chain(error).find_map(|link| link.downcast_ref::<Self>())
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` {}", self.endpoint, self.kind.as_str())
    }
}

impl Error for TransportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// The kind of failure while a connection was being made.
pub(super) fn connect_kind(error: &(dyn Error + 'static)) -> TransportErrorKind {
    let refused = io_kinds(error).any(|kind| kind == io::ErrorKind::ConnectionRefused);
    if refused {
        TransportErrorKind::Refused
    } else {
        TransportErrorKind::Connect
    }
}

/// The kind of failure on a connection that stood.
pub(super) fn exchange_kind(error: &(dyn Error + 'static)) -> TransportErrorKind {
    let broken_by_hyper = chain(error)
        .filter_map(|link| link.downcast_ref::<hyper::Error>())
        .any(|error| error.is_incomplete_message() || error.is_closed() || error.is_canceled());
    let broken_below = io_kinds(error).any(|kind| {
        matches!(
            kind,
            io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::NotConnected
                | io::ErrorKind::UnexpectedEof
        )
    });
    if broken_by_hyper || broken_below {
        TransportErrorKind::Reset
    } else {
        TransportErrorKind::Other
    }
}

fn is_timeout(error: &(dyn Error + 'static)) -> bool {
    io_kinds(error).any(|kind| kind == io::ErrorKind::TimedOut)
}

fn io_kinds<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = io::ErrorKind> + 'a {
    chain(error).filter_map(|link| link.downcast_ref::<io::Error>().map(io::Error::kind))
}

fn chain<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> + 'a {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let link = next?;
        next = link.source();
        Some(link)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("behind")]
    struct Behind(#[source] TransportError);

    #[test]
    fn only_a_connection_that_never_stood_is_unsent() {
        let unsent = |kind| TransportError::new(kind, "a:1", "source").is_unsent();
        assert!(unsent(TransportErrorKind::Refused));
        assert!(unsent(TransportErrorKind::Connect));
        assert!(!unsent(TransportErrorKind::Reset));
        assert!(!unsent(TransportErrorKind::Other));
    }

    #[test]
    fn a_connect_timeout_is_a_timeout_in_the_ledger() {
        let timed_out = io::Error::new(io::ErrorKind::TimedOut, "no answer");
        let error = TransportError::new(TransportErrorKind::Connect, "a:1", timed_out);
        assert_eq!(error.reason(), Reason::Timeout);
        assert_eq!(error.to_string(), "`a:1` could not be connected to");
    }

    #[test]
    fn the_error_is_found_behind_others() {
        let inner = TransportError::new(TransportErrorKind::Reset, "a:1", "source");
        let outer = Behind(inner);
        let found = TransportError::find(&outer).map(TransportError::kind);
        assert_eq!(found, Some(TransportErrorKind::Reset));
    }
}
