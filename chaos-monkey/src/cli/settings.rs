//! What an agent goes by, for the commands around it.

use std::path::PathBuf;

use clap::Args;

use crate::agent::Rules;
use crate::file;
use crate::schema::AgentSpec;

/// Where the settings of an agent come from.
#[derive(Debug, Clone, Args)]
pub struct SettingsArguments {
    /// Files; without any it is what the running agent goes by
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Which one, if there are several
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

/// What an agent goes by.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name of the agent.
    pub name: String,
    /// As they are written.
    pub spec: AgentSpec,
    /// As they are applied.
    pub rules: Rules,
    /// The seed, if there is one already.
    pub seed: Option<u64>,
}

impl Settings {
    /// Settings as they are applied.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub fn of(name: String, spec: AgentSpec, seed: Option<u64>) -> Result<Self, String> {
        let rules = Rules::of(&spec).map_err(|refused| {
            let refused = refused
                .iter()
                .map(|it| format!("{}: `{}`: {}", it.key, it.value, it.message));
            refused.collect::<Vec<_>>().join("\n")
        })?;
        Ok(Self {
            seed: seed.or(spec.seed),
            name,
            spec,
            rules,
        })
    }
}

impl SettingsArguments {
    /// Those in the files.
    ///
    /// # Errors
    ///
    /// All mistakes in them.
    pub fn read(&self) -> Result<Settings, String> {
        let documents = file::load(&self.files).map_err(|mistakes| format!("{mistakes:#}"))?;
        let agent = documents.agent(self.name.as_deref());
        let agent = agent.map_err(|mistake| format!("error: {mistake}"))?;
        Settings::of(agent.metadata.name.clone(), agent.spec.clone(), None)
            .map_err(|error| format!("error: {error}"))
    }
}
