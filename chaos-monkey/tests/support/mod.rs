//! What the tests with real processes share.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// The command under test, which is also the guardian.
pub(crate) const CHAOS_MONKEY: &str = env!("CARGO_BIN_EXE_chaos-monkey");

/// A tiny HTTP server in another language, compiled once per test program.
pub(crate) fn server() -> &'static str {
    static SERVER: OnceLock<(TempDir, String)> = OnceLock::new();
    let (_, path) = SERVER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("server");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/server.c");
        let status = Command::new("cc")
            .arg("-O1")
            .arg("-o")
            .arg(&program)
            .arg(source)
            .status();
        assert!(
            status.unwrap().success(),
            "a C compiler is part of what Rust needs"
        );
        (folder, program.display().to_string())
    });
    path
}

/// Waits until something holds, and fails loudly if it never does.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < limit, "never: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Whether a process exists, and is not merely waiting to be collected.
pub(crate) fn is_alive(pid: u32) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    // The state stands behind the name, which may contain anything in brackets.
    let state = status
        .rsplit(") ")
        .next()
        .unwrap_or_default()
        .chars()
        .next();
    !matches!(state, Some('Z' | 'X') | None)
}

/// Whether a process is halted.
pub(crate) fn is_halted(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status
        .rsplit(") ")
        .next()
        .unwrap_or_default()
        .starts_with('T')
}

/// The folder of a run that is deleted at the end of the test.
pub(crate) fn run_folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    (folder, out)
}
