//! What a retry tells the balancer about the attempts before this one.

use std::sync::Arc;

use http::uri::Authority;
use parking_lot::Mutex;

/// The endpoints that the attempts of one call were sent to.
///
/// A retry puts one into the extensions of the request and leaves the same one in every
/// attempt; the balancer reads it before it chooses, and adds what it chose.
#[derive(Debug, Clone)]
pub struct Tried {
    endpoints: Arc<Mutex<Vec<Authority>>>,
    repeatable: bool,
}

impl Tried {
    /// Nothing was tried yet. Only a `repeatable` call is used to find out whether an ejected
    /// endpoint is well again.
    pub fn new(repeatable: bool) -> Self {
        Self {
            endpoints: Arc::default(),
            repeatable,
        }
    }

    /// Whether the call may be sent again after it reached an endpoint.
    pub const fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    /// The endpoints tried so far, in order; one that was tried twice stands there twice.
    pub fn endpoints(&self) -> Vec<Authority> {
        self.endpoints.lock().clone()
    }

    pub(super) fn contains(&self, endpoint: &Authority) -> bool {
        self.endpoints.lock().contains(endpoint)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.endpoints.lock().is_empty()
    }

    pub(super) fn push(&self, endpoint: Authority) {
        self.endpoints.lock().push(endpoint);
    }
}
