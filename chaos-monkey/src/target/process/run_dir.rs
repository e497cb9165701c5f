//! The folder of one run.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The folder of one run: the journal and its views, `logs/` with one file per instance, and
/// `work/`, which commands know as `${run}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDir {
    root: PathBuf,
}

impl RunDir {
    /// Creates the folder `root` and those inside it; what is there already stays.
    pub fn create(root: &Path) -> io::Result<Self> {
        let root = std::path::absolute(root)?;
        std::fs::create_dir_all(&root)?;
        let run_dir = Self { root };
        std::fs::create_dir_all(run_dir.logs())?;
        // What the commands put there may hold keys and tokens.
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(run_dir.work())?;
        Ok(run_dir)
    }

    /// The folder itself, as an absolute path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The journal.
    pub fn journal(&self) -> PathBuf {
        self.root.join("journal.jsonl")
    }

    /// The logs of the instances.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// What the command writes that comes before the first instance.
    pub(super) fn prepare_log(&self) -> PathBuf {
        self.logs().join("prepare.log")
    }

    /// What commands know as `${run}`.
    pub fn work(&self) -> PathBuf {
        self.root.join("work")
    }
}
