//! Start-up time and memory of each service, from the verdict of a game day.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use serde_json::Value;

/// Which game day's folder.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The folder of a game day that was run
    folder: PathBuf,
}

/// Prints the longest start-up and the most memory of each service's instances.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let path = arguments.folder.join("verdict.json");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let verdict: Value = serde_json::from_str(&text)?;
    let mut services: BTreeMap<&str, (f64, f64, usize)> = BTreeMap::new();
    let mut most_together = 0.0;
    for instance in verdict["instances"].as_array().into_iter().flatten() {
        let Some(name) = instance["instance"]["service"].as_str() else {
            continue;
        };
        let memory = instance["peakMemoryBytes"].as_f64().unwrap_or_default();
        let entry = services.entry(name).or_default();
        for micros in instance["readyAfterMicros"]
            .as_array()
            .into_iter()
            .flatten()
        {
            entry.0 = entry.0.max(micros.as_f64().unwrap_or_default() / 1_000.0);
            entry.2 += 1;
        }
        entry.1 = entry.1.max(memory);
        most_together += memory;
    }
    println!("| service | slowest of its starts, ms | peak memory, MiB |");
    println!("|---|--:|--:|");
    for (name, (start, memory, starts)) in services {
        println!(
            "| {name} | {start:.0} (of {starts}) | {:.1} |",
            memory / 1_048_576.0
        );
    }
    println!(
        "all instances together: {:.0} MiB",
        most_together / 1_048_576.0
    );
    Ok(())
}
