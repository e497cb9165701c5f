//! The rejection of the balancer.

/// There is no endpoint that the call could be sent to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` has no endpoint to send the call to")]
pub struct NoEndpoint {
    name: String,
}

impl NoEndpoint {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    /// The client whose set of endpoints is empty.
    pub fn name(&self) -> &str {
        &self.name
    }
}
