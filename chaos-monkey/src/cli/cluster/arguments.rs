//! What every command has in common that talks to a cluster.

use std::io::{IsTerminal, Write, stdin};

use clap::Args;

use crate::cli::{Settings, SettingsArguments};
use crate::target::kubernetes::{Connection, LedgerStore};

/// Which cluster, and where its agent is.
#[derive(Debug, Clone, Args)]
pub struct ClusterArguments {
    /// The context of the kubeconfig [default: the current one]
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,

    /// The namespace of the agent
    #[arg(long, value_name = "NAMESPACE", default_value = "chaos-monkey")]
    pub agent_namespace: String,
}

impl ClusterArguments {
    /// Opens the way to the cluster.
    ///
    /// # Errors
    ///
    /// There is none.
    pub async fn open(&self) -> Result<Connection, String> {
        let opened = Connection::open(self.context.as_deref()).await;
        opened.map_err(|error| format!("error: {error}"))
    }

    /// The settings in the files; without any those that the running agent goes by.
    ///
    /// # Errors
    ///
    /// Mistakes in the files, or there is no running agent.
    pub async fn settings(
        &self,
        arguments: &SettingsArguments,
        connection: &Connection,
    ) -> Result<Settings, String> {
        if !arguments.files.is_empty() {
            return arguments.read();
        }
        let namespace = &self.agent_namespace;
        let store = LedgerStore::new(connection.client.clone(), namespace);
        let ledger = store
            .get()
            .await
            .map_err(|error| format!("error: {error}"))?;
        let agents = ledger
            .map(|it| it.spec().agents.clone())
            .unwrap_or_default();
        let names: Vec<&str> = agents.keys().map(String::as_str).collect();
        let name = match (arguments.name.as_deref(), names.as_slice()) {
            (Some(name), _) => name,
            (None, [only]) => only,
            (None, []) => {
                return Err(format!(
                    "error: no agent has run in the namespace `{namespace}`: give a FILE with \
                     settings, or --agent-namespace"
                ));
            }
            (None, several) => {
                let names = several.join(", ");
                return Err(format!(
                    "error: there are several agents, give --name: {names}"
                ));
            }
        };
        let Some(agent) = agents.get(name) else {
            let names = names.join(", ");
            return Err(format!("error: there is no agent `{name}`, only: {names}"));
        };
        let other = |error: &dyn std::fmt::Display| {
            format!("error: the running agent goes by the rules of another version: {error}")
        };
        let spec = agent.spec().map_err(|error| other(&error))?;
        Settings::of(name.to_owned(), spec, Some(agent.seed)).map_err(|error| other(&error))
    }
}

/// Asks whoever is at the terminal; where nobody is, only `--yes` is a yes.
pub(super) fn confirmed(question: &str, yes: bool) -> Result<bool, String> {
    if yes {
        return Ok(true);
    }
    if !stdin().is_terminal() {
        return Err(format!(
            "error: {question} Nobody is here to be asked: give --yes"
        ));
    }
    eprint!("{question} [y/N] ");
    // Whoever cannot see the question cannot say yes to it.
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let read = stdin().read_line(&mut answer);
    read.map_err(|error| format!("error: the answer cannot be read: {error}"))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
