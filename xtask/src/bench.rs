//! The middleware beside its peers, in one run.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::performance::{self, Part};
use crate::run;

/// Where the report goes, and what is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Measure only rows whose table or name contains all of these words; print, write nothing
    words: Vec<String>,
}

/// Builds `benches/`, counts and measures, and writes `docs/performance.md`.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let benches = run::root().join("benches");
    let status = run::cargo()
        .args(["build", "--release", "--locked"])
        .current_dir(&benches)
        .env_remove("CARGO_TARGET_DIR")
        .status()?;
    ensure!(status.success(), "the benchmarks do not build");
    let programs = benches.join("target").join("release");
    let counts = benches.join("target").join("allocations.txt");
    std::fs::write(&counts, output(&programs, "allocations", &[])?)?;
    let sites = benches.join("target").join("sites.txt");
    std::fs::write(&sites, output(&programs, "sites", &[])?)?;
    let mut words = vec![
        counts.display().to_string(),
        sites.display().to_string(),
        jiff::Timestamp::now().strftime("%F").to_string(),
    ];
    words.extend(arguments.words.iter().cloned());
    let report = output(&programs, "time", &words)?;
    if !arguments.words.is_empty() {
        print!("{report}");
        return Ok(());
    }
    for line in report
        .lines()
        .filter(|line| line.ends_with("yes |") || line.ends_with("no** |"))
    {
        println!("{line}");
    }
    performance::put(Part::Middleware, &report)
}

/// What a program prints; its progress goes to the terminal.
fn output(programs: &Path, name: &str, arguments: &[String]) -> anyhow::Result<String> {
    let output = Command::new(programs.join(name))
        .args(arguments)
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {name}"))?;
    ensure!(
        output.status.success(),
        "{name} ended with {}",
        output.status
    );
    Ok(String::from_utf8(output.stdout)?)
}
