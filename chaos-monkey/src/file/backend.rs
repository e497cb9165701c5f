//! Where a game day is to take place.

/// Where a game day is to take place, as far as its file must fit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// Nobody has said yet.
    #[default]
    Any,
    /// As local processes.
    Processes,
    /// In pods of a cluster.
    Kubernetes,
}
