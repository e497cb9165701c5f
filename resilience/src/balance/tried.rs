//! What a retry tells the balancer about the attempts before this one.

use std::sync::Arc;

use http::Extensions;
use http::uri::Authority;
use parking_lot::Mutex;

use crate::context::Carried;

/// The endpoints that the attempts of one call were sent to.
///
/// A retry gives the request one, the same in every attempt; the balancer reads it before it
/// chooses, and adds what it chose. A retry of your own puts one into the extensions.
#[derive(Debug, Clone)]
pub struct Tried {
    endpoints: Arc<Mutex<Endpoints>>,
    repeatable: bool,
}

/// In order. Most calls try one, for which nothing is allocated.
#[derive(Debug, Default)]
struct Endpoints {
    first: Option<Authority>,
    more: Vec<Authority>,
}

impl Endpoints {
    fn iter(&self) -> impl Iterator<Item = &Authority> {
        self.first.iter().chain(&self.more)
    }
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

    /// That of a request, which a retry around this part gave it.
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        let carried = Carried::of(extensions);
        carried
            .and_then(|carried| carried.tried.as_ref())
            .or_else(|| extensions.get())
    }

    /// Whether the call may be sent again after it reached an endpoint.
    pub const fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    /// The endpoints tried so far, in order; one that was tried twice stands there twice.
    pub fn endpoints(&self) -> Vec<Authority> {
        self.endpoints.lock().iter().cloned().collect()
    }

    pub(super) fn contains(&self, endpoint: &Authority) -> bool {
        self.endpoints.lock().iter().any(|tried| tried == endpoint)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.endpoints.lock().first.is_none()
    }

    pub(super) fn push(&self, endpoint: Authority) {
        let mut endpoints = self.endpoints.lock();
        if endpoints.first.is_none() {
            endpoints.first = Some(endpoint);
        } else {
            endpoints.more.push(endpoint);
        }
    }
}
