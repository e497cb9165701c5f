//! Runs one game day of the demo and reads its verdict.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

/// Builds the demo in release and says where it is.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    let status = cargo()
        .args(["build", "--release", "--package", "demo-services"])
        .status()?;
    ensure!(status.success(), "the demo does not build");
    Ok(target().join("release").join("demo-services"))
}

/// Cargo, as if nobody had been called by it: build scripts that look at what it has told this
/// program would run anew, and with them minutes of compilation.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env!("CARGO"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}

/// One line of `/proc/PID/status` that tells of memory, such as `VmHWM:` for the peak, in KiB.
pub(crate) fn memory_kib(process: u32, key: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number
        .with_context(|| format!("no {key} in the status of process {process}"))?
        .parse()?)
}

/// Where everything is built.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The top of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(PathBuf::new, Path::to_path_buf)
}

/// What one game day came to.
pub(crate) struct Outcome {
    value: Value,
}

impl Outcome {
    /// `passed`, `failed`, `aborted` or `inconclusive`.
    pub(crate) fn word(&self) -> &str {
        self.value
            .pointer("/outcome")
            .and_then(Value::as_str)
            .unwrap_or("nothing")
    }

    /// A number by its JSON pointer.
    pub(crate) fn number(&self, pointer: &str) -> f64 {
        self.value
            .pointer(pointer)
            .and_then(Value::as_f64)
            .unwrap_or(f64::NAN)
    }

    /// Anything by its JSON pointer.
    pub(crate) fn get(&self, pointer: &str) -> Option<&Value> {
        self.value.pointer(pointer)
    }
}

/// Runs `demo-services game-day` with these arguments, and its services in this environment.
pub(crate) fn game_day(
    demo: &Path,
    out: &Path,
    arguments: &[String],
    environment: &[(&str, &str)],
) -> anyhow::Result<Outcome> {
    if out.exists() {
        std::fs::remove_dir_all(out)?;
    }
    let status = Command::new(demo)
        .arg("game-day")
        .args(arguments)
        .arg("--quiet")
        .arg("--out")
        .arg(out)
        .envs(environment.iter().copied())
        .status()
        .with_context(|| format!("cannot run {}", demo.display()))?;
    let path = out.join("verdict.json");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("no verdict in {} ({status})", path.display()))?;
    Ok(Outcome {
        value: serde_json::from_str(&text)?,
    })
}
