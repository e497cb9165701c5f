//! The wire: hyper's pooled client, with errors that say how a call failed.

mod error;
mod http;

pub use error::{TransportError, TransportErrorKind};
pub use http::{CONNECT_TIMEOUT, HttpTransport, IDLE_TIMEOUT, ResponseFuture, TransportBody};
