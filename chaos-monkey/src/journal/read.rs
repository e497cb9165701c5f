//! Reads a journal back.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{Entry, JOURNAL_VERSION, Record};

/// Why a journal cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("cannot read the journal {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is no entry.
    #[error("{} line {line}: no entry of a journal: {source}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
    /// The first line is missing.
    #[error("{} does not begin with a `start` entry: it is no journal, or nothing had begun", path.display())]
    NoStart {
        /// The file.
        path: PathBuf,
    },
    /// The journal was written by another version.
    #[error(
        "{} has the journal version {found}, and this program reads version {JOURNAL_VERSION}: make the report with the program that wrote it",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
}

/// Reads all entries of the journal at `path`, in the order of the file.
///
/// A last line without its end is left out: the writer was stopped in the middle of it. Then the
/// journal has no `end` entry either, and the run is inconclusive.
pub fn read(path: &Path) -> Result<Vec<Entry>, ReadError> {
    let text = std::fs::read(path).map_err(|source| ReadError::File {
        path: path.to_owned(),
        source,
    })?;
    let whole = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let entries = text
        .get(..whole)
        .unwrap_or_default()
        .split_inclusive(|byte| *byte == b'\n')
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_slice(line).map_err(|source| ReadError::Line {
                path: path.to_owned(),
                line: index + 1,
                source,
            })
        });
    let entries = check_version(path, entries)?;
    Ok(entries)
}

/// The version is looked at before the other lines, which another version may write differently.
fn check_version(
    path: &Path,
    mut entries: impl Iterator<Item = Result<Entry, ReadError>>,
) -> Result<Vec<Entry>, ReadError> {
    let no_start = || ReadError::NoStart {
        path: path.to_owned(),
    };
    let first = entries.next().ok_or_else(no_start)??;
    let Record::Start { version, .. } = &first.record else {
        return Err(no_start());
    };
    if *version != JOURNAL_VERSION {
        return Err(ReadError::Version {
            path: path.to_owned(),
            found: *version,
        });
    }
    std::iter::once(Ok(first)).chain(entries).collect()
}
