//! A failure that several callers get.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::BoxError;

/// The failure of a call that several callers shared; its source is the error itself.
#[derive(Debug, Clone)]
pub struct SharedError(Arc<BoxError>);

impl SharedError {
    pub(super) fn new(error: BoxError) -> Self {
        Self(Arc::new(error))
    }

    /// The error of the call.
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        self.0.as_ref().as_ref()
    }
}

impl fmt::Display for SharedError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the shared call failed: {}", self.0)
    }
}

impl Error for SharedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.get_ref())
    }
}
