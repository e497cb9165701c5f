//! Where a game day takes place.

#[cfg(feature = "kubernetes")]
use crate::target::kubernetes::game_day::PodOptions;

/// Where a game day takes place.
#[derive(Debug, Clone, Default)]
pub enum Place {
    /// In local processes, which it starts and stops.
    #[default]
    Processes,
    /// In the pods of a cluster, which run already.
    #[cfg(feature = "kubernetes")]
    Kubernetes(Box<PodOptions>),
}
