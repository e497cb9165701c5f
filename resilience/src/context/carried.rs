//! What the parts of a stack tell each other about a call.
//!
//! It travels in the extensions of the request, as one value: each value there costs an
//! allocation, and one more for each attempt.

use http::Extensions;
use tokio::time::Instant;

use super::CallContext;
use crate::balance::Tried;

/// What is known about a call so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Carried {
    pub(crate) context: Option<CallContext>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) tried: Option<Tried>,
}

impl Carried {
    pub(crate) fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    pub(crate) fn edit(extensions: &mut Extensions) -> &mut Self {
        extensions.get_or_insert_default()
    }

    /// What the caller's stack put there is not the server's, where both are in one process.
    pub(crate) fn forget(extensions: &mut Extensions) {
        extensions.remove::<Self>();
    }

    /// Takes a copy of everything in the extensions, without a copy of the map where it holds
    /// nothing but this: most callers put nothing there.
    pub(crate) fn copy(extensions: &Extensions) -> Copied {
        match extensions.get() {
            Some(carried) if extensions.len() == 1 => Copied::Alone(Self::clone(carried)),
            _ => Copied::All(extensions.clone()),
        }
    }
}

/// The extensions of a request that may be sent once more.
pub(crate) enum Copied {
    Alone(Carried),
    All(Extensions),
}

impl Copied {
    pub(crate) fn extensions(&self) -> Extensions {
        match self {
            Self::Alone(carried) => {
                let mut extensions = Extensions::new();
                extensions.insert(carried.clone());
                extensions
            }
            Self::All(extensions) => extensions.clone(),
        }
    }
}
