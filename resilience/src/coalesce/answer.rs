//! An answer that several callers get.

use std::sync::Arc;

use http::Response;
use http::response::Parts;
use parking_lot::Mutex;

use crate::body::ResponseBody;
use crate::cache_control;

/// A body that may be given to several callers.
pub trait ShareBody: Sized {
    /// The same body once more; `None` if there is only one of it.
    fn share(&self) -> Option<Self>;
}

impl<B: Clone> ShareBody for B {
    fn share(&self) -> Option<Self> {
        Some(self.clone())
    }
}

impl ShareBody for ResponseBody {
    /// What was collected whole is shared; what still streams is not.
    fn share(&self) -> Option<Self> {
        self.try_clone()
    }
}

/// An answer from which every caller takes its own.
pub(super) struct Answer<B> {
    parts: Parts,
    body: Mutex<Option<B>>,
}

impl<B: ShareBody> Answer<B> {
    pub(super) fn new(response: Response<B>) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            parts,
            body: Mutex::new(Some(body)),
        }
    }

    /// The answer for one caller; nothing if it cannot be shared and somebody else has it.
    pub(super) fn take(self: Arc<Self>) -> Option<Response<B>> {
        match Arc::try_unwrap(self) {
            // Nobody else is to have it.
            Ok(Self { parts, body }) => body
                .into_inner()
                .map(|body| Response::from_parts(parts, body)),
            Err(shared) => shared.copy(),
        }
    }

    fn copy(&self) -> Option<Response<B>> {
        let mut body = self.body.lock();
        let taken = if cache_control::is_personal(&self.parts.headers) {
            body.take()?
        } else {
            body.as_ref()?.share().or_else(|| body.take())?
        };
        Some(Response::from_parts(self.parts.clone(), taken))
    }
}
