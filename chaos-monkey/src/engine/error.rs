//! Why a game day came to no verdict.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::exit::Exit;
use crate::load::LoadError;
#[cfg(feature = "kubernetes")]
use crate::target::kubernetes::game_day::PodsError;
use crate::target::process::StartError;
use crate::view::ViewError;

/// Why a game day came to no verdict. Everything that was started is stopped again.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The folder for the outcome cannot be written.
    #[error("cannot write {}: {source}; name a new folder with --out", path.display())]
    Out {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The system is not in the cluster, or is not ready there.
    #[cfg(feature = "kubernetes")]
    #[error(transparent)]
    Pods(#[from] PodsError),
    /// A session cannot be opened.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The machine refuses what every run needs: chance, signals, the terminal.
    #[error("cannot prepare a run: {0}")]
    Machine(io::Error),
    /// The journal that was just written cannot be read, or a view of it not be written.
    #[error(transparent)]
    View(#[from] ViewError),
    /// Somebody asked to stop before the load had begun.
    #[error("interrupted before the load had begun")]
    Interrupted,
    /// Somebody asked twice to stop.
    #[error("interrupted twice: everything was killed, and there is no verdict")]
    InterruptedAtOnce,
}

impl EngineError {
    /// The exit code for it.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Out { .. } | Self::Start(_) | Self::Load(_) => Exit::Usage,
            #[cfg(feature = "kubernetes")]
            Self::Pods(_) => Exit::Usage,
            Self::Machine(_) | Self::View(_) => Exit::Internal,
            Self::Interrupted | Self::InterruptedAtOnce => Exit::Aborted,
        }
    }
}
