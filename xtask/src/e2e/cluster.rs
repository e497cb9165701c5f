//! The cluster: that of `KUBECONFIG` if it is set, else a local one where there is a tool for it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use serde_json::Value;

/// What starts a local cluster, from the top of the project.
const LOCAL: &str = "../shared/cluster/cluster";

/// A cluster.
pub(super) struct Cluster {
    kubeconfig: String,
    /// Folders with `kubectl` before those of `PATH`.
    path: String,
    /// The tool that has started it, if this has.
    local: Option<PathBuf>,
}

impl Cluster {
    pub(super) fn find() -> anyhow::Result<Self> {
        let path = std::env::var("PATH").unwrap_or_default();
        if let Ok(kubeconfig) = std::env::var("KUBECONFIG") {
            return Ok(Self {
                kubeconfig,
                path,
                local: None,
            });
        }
        let tool = crate::run::root().join(LOCAL);
        if !tool.exists() {
            bail!(
                "there is no cluster: set KUBECONFIG to one on which pods may be killed and the \
                 definitions of `chaos-monkey crd` may be installed"
            );
        }
        output(Command::new(&tool).arg("up"))?;
        let said = |word: &str| output(Command::new(&tool).arg(word));
        Ok(Self {
            kubeconfig: said("kubeconfig")?.trim().to_owned(),
            path: format!("{}:{path}", said("path")?.trim()),
            local: Some(tool),
        })
    }

    /// A command that finds the cluster.
    pub(super) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("KUBECONFIG", &self.kubeconfig)
            .env("PATH", &self.path);
        command
    }

    /// The command of the agent, in this cluster.
    pub(super) fn monkey(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(crate::run::root().join("target/debug/chaos-monkey"));
        command.args(arguments);
        command
    }

    /// The definitions of what agents leave and find.
    pub(super) fn definitions(&self) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&output(&mut self.monkey(&["crd"]))?)?)
    }

    pub(super) fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    pub(super) fn context(&self) -> anyhow::Result<String> {
        Ok(self
            .kubectl(&["config", "current-context"])?
            .trim()
            .to_owned())
    }

    pub(super) fn kubectl(&self, arguments: &[&str]) -> anyhow::Result<String> {
        output(self.command("kubectl").args(arguments))
    }

    pub(super) fn json(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let text = self.kubectl(&[arguments, &["--output", "json"]].concat())?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Its version. Charts would be rendered for the one that their Helm was built with.
    pub(super) fn version(&self) -> anyhow::Result<String> {
        let version = self.json(&["version"])?;
        let version = version["serverVersion"]["gitVersion"].as_str();
        let version = version.context("the cluster has no version")?;
        Ok(version.to_owned())
    }

    /// The tool of a local cluster, by which its parts can be stopped.
    pub(super) fn local(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let Some(tool) = &self.local else {
            bail!("parts of a cluster can only be stopped where it is a local one");
        };
        output(Command::new(tool).args(arguments))?;
        Ok(())
    }

    pub(super) const fn is_local(&self) -> bool {
        self.local.is_some()
    }

    /// Takes away what was installed, and the cluster if it was started here.
    pub(super) fn clean(&self) -> anyhow::Result<()> {
        if self.is_local() {
            return self.local(&["down"]);
        }
        let definitions = self.definitions()?;
        let names = names(&definitions);
        self.kubectl(&[&["delete", "crd", "--ignore-not-found"], &names[..]].concat())?;
        Ok(())
    }
}

/// The names of definitions, by which `kubectl` knows what they define, too.
pub(super) fn names(definitions: &Value) -> Vec<&str> {
    let items = definitions["items"].as_array().into_iter().flatten();
    items
        .filter_map(|it| it["metadata"]["name"].as_str())
        .collect()
}

/// Brings the archive of an image to the nodes of a local cluster; others have it already, or can
/// pull it.
pub(super) fn load(archive: &Path) -> anyhow::Result<()> {
    let tool = crate::run::root().join(LOCAL);
    if tool.exists() {
        output(Command::new(&tool).arg("load").arg(archive))?;
    }
    Ok(())
}

/// What a command prints; an error with what it complains of.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("cannot start {program}"))?;
    if !output.status.success() {
        let arguments: Vec<_> = command.get_args().map(|it| it.to_string_lossy()).collect();
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("{program} {}: {}", arguments.join(" "), complaint.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
