//! `cargo xtask charts`: what charts have from the rest of the project and from their own values,
//! made anew.

#[cfg(test)]
mod schema;
mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use serde_json::Value;

use crate::run;

/// The charts whose README.md lists their values.
pub(crate) const CHARTS: [&str; 2] = ["chaos-monkey", "demo-services"];

/// Make anew what charts have from the rest of the project and from their own values
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Change nothing, and fail if something would change
    #[arg(long)]
    pub check: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut files = Vec::new();
    for chart in CHARTS {
        files.push(readme(&folder(chart))?);
    }
    let agent = folder("chaos-monkey");
    let definitions = printed(&["crd"])?;
    for definition in definitions["items"].as_array().into_iter().flatten() {
        let name = definition["metadata"]["name"].as_str();
        let name = name.context("a definition without a name")?;
        let path = agent.join("files/crds").join(format!("{name}.json"));
        files.push((path, pretty(definition)?));
    }
    files.push(schema(&agent, &printed(&["schema", "--kind", "Agent"])?)?);
    files.push(dashboard()?);
    let mut changed = Vec::new();
    for (path, text) in files {
        if std::fs::read_to_string(&path).is_ok_and(|before| before == text) {
            continue;
        }
        changed.push(path.display().to_string());
        if !arguments.check {
            std::fs::write(&path, text)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    if arguments.check && !changed.is_empty() {
        bail!(
            "make them anew with `cargo xtask charts`: {}",
            changed.join(", ")
        );
    }
    for path in changed {
        println!("{path}");
    }
    Ok(())
}

/// The folder of a chart.
pub(crate) fn folder(chart: &str) -> PathBuf {
    run::root().join("helm").join(chart)
}

/// The README.md of a chart with the table of its values.
fn readme(chart: &Path) -> anyhow::Result<(PathBuf, String)> {
    let values = read(&chart.join("values.yaml"))?;
    let path = chart.join("README.md");
    let table = table::of(&values).with_context(|| format!("{}/values.yaml", chart.display()))?;
    let text = table::put_into(&read(&path)?, &table)
        .with_context(|| format!("{} has no heading `{}`", path.display(), table::HEADING))?;
    Ok((path, text))
}

/// The schema of a chart's values, which takes the types of an agent's settings from the agent.
fn schema(chart: &Path, agent: &Value) -> anyhow::Result<(PathBuf, String)> {
    let path = chart.join("values.schema.json");
    let mut schema: Value = serde_json::from_str(&read(&path)?)
        .with_context(|| format!("{} is no JSON", path.display()))?;
    schema["$defs"] = agent["$defs"].clone();
    let text = pretty(&schema)?;
    Ok((path, text))
}

/// The dashboard of the middleware, which a chart can only have as a file of its own.
fn dashboard() -> anyhow::Result<(PathBuf, String)> {
    let path = folder("demo-services").join("files/dashboard.json");
    let text = read(&run::root().join("resilience/observability/dashboard.json"))?;
    Ok((path, text))
}

/// What the agent's command prints.
fn printed(arguments: &[&str]) -> anyhow::Result<Value> {
    let output = run::cargo()
        .args(["run", "--quiet", "--package", "chaos-monkey", "--"])
        .args(arguments)
        .current_dir(run::root())
        .output()?;
    ensure!(
        output.status.success(),
        "chaos-monkey {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn pretty(value: &Value) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is_there((path, text): (PathBuf, String)) {
        assert!(
            read(&path).unwrap() == text,
            "{}: make it anew with `cargo xtask charts`",
            path.display()
        );
    }

    #[test]
    fn each_readme_lists_the_values_of_its_chart() {
        for chart in CHARTS {
            is_there(readme(&folder(chart)).unwrap());
        }
    }

    #[test]
    fn the_mesh_shows_the_dashboard_of_its_middleware() {
        is_there(dashboard().unwrap());
    }
}
