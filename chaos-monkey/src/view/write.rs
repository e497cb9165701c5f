//! Writes the files of a run.

use std::path::{Path, PathBuf};
use std::{fs, io};

use thiserror::Error;

use super::{html, json, junit, markdown};
use crate::journal::{self, Entry, ReadError};
use crate::verdict::{self, Run, Verdict};

/// The journal's name in the folder of a run.
pub const JOURNAL_FILE: &str = "journal.jsonl";

/// Views could not be made.
#[derive(Debug, Error)]
pub enum ViewError {
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] ReadError),
    /// A file could not be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes every view of these entries into a folder that exists: `verdict.json`, `summary.md`,
/// `junit.xml` and `report.html`.
///
/// # Errors
/// A file cannot be written.
pub fn write_all(folder: &Path, entries: &[Entry]) -> Result<(Run, Verdict), ViewError> {
    let run = verdict::fold(entries);
    let verdict = verdict::judge(&run);
    let views = [
        ("verdict.json", json(&run, &verdict)),
        ("summary.md", markdown(&run, &verdict)),
        ("junit.xml", junit(&run, &verdict)),
        ("report.html", html(&run, &verdict)),
    ];
    for (name, text) in views {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|source| ViewError::Write { path, source })?;
    }
    Ok((run, verdict))
}

/// Writes every view of the journal that lies in a folder. What the engine does at the end of a
/// run, so that `report` cannot come to anything else later.
///
/// # Errors
/// The journal cannot be read, or a file cannot be written.
pub fn rebuild(folder: &Path) -> Result<(Run, Verdict), ViewError> {
    let entries = journal::read(&folder.join(JOURNAL_FILE))?;
    write_all(folder, &entries)
}
