//! What an agent goes by, for the commands around it.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use serde_json::{Map, Value};

use crate::agent::Rules;
use crate::file;
use crate::schema::{API_VERSION, Agent, AgentSpec, Metadata};

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

/// A setting in place of that in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its place below `spec`, key by key.
    keys: Vec<String>,
    value: Value,
}

impl Change {
    /// A value for a key right below `spec`.
    pub fn of(key: &str, value: Value) -> Self {
        Self {
            keys: vec![key.to_owned()],
            value,
        }
    }

    fn apply(&self, spec: &mut Value) {
        let mut place = spec;
        for key in &self.keys {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            place = &mut place[key];
        }
        *place = self.value.clone();
    }
}

impl FromStr for Change {
    type Err = String;

    /// `guards.budget.perHour=3`: what is no JSON is a text.
    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text
            .split_once('=')
            .ok_or("expected KEY=VALUE, such as guards.budget.perHour=3")?;
        let key = key.strip_prefix("spec.").unwrap_or(key);
        let keys: Vec<String> = key.split('.').map(str::to_owned).collect();
        if keys.iter().any(String::is_empty) {
            return Err(format!("`{key}` is no key such as guards.budget.perHour"));
        }
        let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        Ok(Self { keys, value })
    }
}

impl Settings {
    /// The same with some changes, checked as a file is.
    ///
    /// # Errors
    ///
    /// All mistakes in them.
    pub fn with(self, changes: &[Change]) -> Result<Self, String> {
        if changes.is_empty() {
            return Ok(self);
        }
        let agent = Agent {
            api_version: API_VERSION.to_owned(),
            kind: "Agent".to_owned(),
            metadata: Metadata {
                name: self.name.clone(),
            },
            spec: self.spec,
        };
        let said = |error: serde_json::Error| format!("error: {error}");
        let mut document = serde_json::to_value(&agent).map_err(said)?;
        for change in changes {
            change.apply(&mut document["spec"]);
        }
        // JSON is YAML.
        let text = serde_json::to_string_pretty(&document).map_err(said)?;
        let documents = file::load_text("settings with flags", &text, &[]);
        let documents = documents.map_err(|mistakes| format!("{mistakes:#}"))?;
        let agent = documents.agent(None);
        let agent = agent.map_err(|mistake| format!("error: {mistake}"))?;
        Self::of(self.name, agent.spec.clone(), self.seed)
            .map_err(|error| format!("error: {error}"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::OptIn;

    fn with(changes: &[&str]) -> Result<AgentSpec, String> {
        let settings = Settings::of("platform".to_owned(), AgentSpec::default(), None)?;
        let changes: Result<Vec<Change>, String> = changes.iter().map(|it| it.parse()).collect();
        Ok(settings.with(&changes?)?.spec)
    }

    #[test]
    fn a_flag_stands_in_place_of_the_file() {
        let spec = with(&[
            "guards.budget.perHour=3",
            "spec.optIn=none",
            "schedule.hours.from=10:00",
            "schedule.rhythm={\"every\": {\"interval\": \"1m\"}}",
            "namespaces.only=[\"shop\"]",
        ]);
        let spec = spec.unwrap();
        assert_eq!(spec.guards.budget.per_hour, Some(3));
        assert_eq!(spec.opt_in, OptIn::None);
        assert_eq!(spec.schedule.hours.from, "10:00");
        assert_eq!(spec.namespaces.only, ["shop"]);
    }

    #[test]
    fn at_regular_times_at_most_one_pod_of_an_owner_is_killed() {
        let every = "schedule.rhythm={\"every\": {\"interval\": \"10m\", \"owners\": 3}}";
        assert!(with(&[every, "amount=one"]).is_ok());
        assert!(
            with(&["amount=all"]).is_ok(),
            "each owner has its own chance"
        );
        for amount in ["amount=all", "amount={\"percent\": 30}"] {
            let error = with(&[every, amount]).unwrap_err();
            assert!(error.contains("spec.amount"), "{error}");
            assert!(
                error.contains("spec.schedule.rhythm.every.owners"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_flag_is_checked_as_a_file_is() {
        for (change, part) in [
            ("guards.openKills=0", "spec.guards.openKills"),
            ("guards.openkills=1", "openKills"),
            ("schedule.timeZone=Europe/Berlino", "spec.schedule.timeZone"),
            (
                "schedule.rhythm={\"every\": {\"interval\": \"0s\"}}",
                "spec.schedule.rhythm.every.interval",
            ),
            ("seed=9223372036854775808", "spec.seed"),
            ("optIn", "expected KEY=VALUE"),
            ("guards..x=1", "is no key"),
        ] {
            let error = with(&[change]).unwrap_err();
            assert!(error.contains(part), "{change}: {error}");
        }
    }
}
