//! What the instances write.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// How many bytes at the end of a log are looked at.
const TAIL_BYTES: u64 = 16 * 1024;

/// How many lines of a log an error shows.
const TAIL_LINES: usize = 10;

/// Opens a log to append to.
pub(super) fn open(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).open(path)
}

/// The last lines of a log for an error message, with the log's path.
pub(super) fn last_lines(path: &Path) -> String {
    let shown = path.display();
    match tail(path) {
        Ok(tail) if tail.trim().is_empty() => format!("it wrote nothing to {shown}"),
        Ok(tail) => {
            let lines: Vec<_> = tail.lines().collect();
            let first = lines.len().saturating_sub(TAIL_LINES);
            let last = lines.get(first..).unwrap_or_default().join("\n  ");
            format!("the last lines of {shown}:\n  {last}")
        }
        Err(error) => format!("its log {shown} cannot be read: {error}"),
    }
}

fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_the_end_of_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth-0.log");
        assert!(last_lines(&path).contains("cannot be read"));
        std::fs::write(&path, "").unwrap();
        assert!(last_lines(&path).contains("wrote nothing"));
        let lines: Vec<_> = (0..5_000).map(|line| format!("line {line}")).collect();
        std::fs::write(&path, lines.join("\n")).unwrap();
        let shown = last_lines(&path);
        assert!(shown.ends_with("line 4998\n  line 4999"), "{shown}");
        assert!(
            !shown.contains("line 4989\n") && shown.contains("line 4990\n"),
            "{shown}"
        );
    }
}
