//! What the chart has from the command is what the command prints.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../helm/chaos-monkey")
}

fn printed(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_chaos-monkey"))
        .args(arguments)
        .output()
        .expect("the command can be started");
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("a file of the chart");
    serde_json::from_str(&text).expect("JSON")
}

#[cfg(feature = "kubernetes")]
#[test]
fn the_chart_has_the_definitions_that_the_command_prints() {
    let list = printed(&["crd"]);
    let printed: BTreeMap<String, Value> = list["items"]
        .as_array()
        .expect("definitions")
        .iter()
        .map(|it| {
            let name = it["metadata"]["name"].as_str().expect("a name");
            (format!("{name}.json"), it.clone())
        })
        .collect();
    let folder = chart().join("files/crds");
    let of_chart: BTreeMap<String, Value> = std::fs::read_dir(folder)
        .expect("the folder of definitions")
        .map(|file| {
            let path = file.expect("a file").path();
            let name = path.file_name().expect("a name").to_string_lossy();
            (name.into_owned(), read(&path))
        })
        .collect();
    assert!(
        of_chart == printed,
        "make them anew with `cargo xtask charts`"
    );
}

#[test]
fn the_chart_knows_the_settings_that_the_command_knows() {
    let schema = read(&chart().join("values.schema.json"));
    let agent = printed(&["schema", "--kind", "Agent"]);
    assert!(
        schema["$defs"] == agent["$defs"],
        "make it anew with `cargo xtask charts`"
    );
}

/// The names of metrics in a text.
fn metrics(text: &str) -> BTreeSet<&str> {
    text.split(|letter: char| !letter.is_ascii_lowercase() && letter != '_')
        .filter(|word| word.starts_with("chaos_monkey_"))
        .map(|word| word.trim_end_matches("_bucket"))
        .collect()
}

#[test]
fn the_dashboard_shows_what_the_agent_counts() {
    let counted = include_str!("../src/target/kubernetes/agent/metrics.rs");
    let shown = std::fs::read_to_string(chart().join("files/dashboard.json"));
    assert_eq!(metrics(&shown.expect("the dashboard")), metrics(counted));
}
