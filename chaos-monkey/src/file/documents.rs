//! What a set of files holds.

use super::Mistake;
use crate::schema::{Agent, GameDay, System};

/// The resources of a set of files.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Documents {
    /// The systems, in the order in which they were read; known ones first.
    pub systems: Vec<System>,
    /// The game days, in the order in which they were read.
    pub game_days: Vec<GameDay>,
    /// The settings of agents, in the order in which they were read.
    pub agents: Vec<Agent>,
}

impl Documents {
    /// The game day of this name and its system, or the only one if no name is given.
    ///
    /// # Errors
    /// Says which names there are.
    pub fn game_day(&self, name: Option<&str>) -> Result<(&GameDay, &System), Mistake> {
        let game_day = self.named(name)?;
        let system = self.system(&game_day.spec.system).ok_or_else(|| {
            Mistake::unplaced(format!(
                "there is no system `{}` in these files: give the file that holds it, too",
                game_day.spec.system
            ))
        })?;
        Ok((game_day, system))
    }

    /// The agent of this name, or the only one if no name is given.
    ///
    /// # Errors
    /// Says which names there are.
    pub fn agent(&self, name: Option<&str>) -> Result<&Agent, Mistake> {
        let agents = self.agents.iter();
        let names: Vec<&str> = agents.map(|agent| agent.metadata.name.as_str()).collect();
        let found = match (name, self.agents.as_slice()) {
            (None, [only]) => Some(only),
            (None, _) => None,
            (Some(name), all) => all.iter().find(|agent| agent.metadata.name == name),
        };
        let names = names.join(", ");
        found.ok_or_else(|| {
            Mistake::unplaced(match name {
                _ if names.is_empty() => {
                    "there are no settings of an agent in these files: give one with `kind: Agent`"
                        .to_owned()
                }
                Some(name) => {
                    format!("there is no agent `{name}` in these files: there is {names}")
                }
                None => format!("there are several agents, name one of them: {names}"),
            })
        })
    }

    pub(super) fn system(&self, name: &str) -> Option<&System> {
        self.systems
            .iter()
            .find(|system| system.metadata.name == name)
    }

    fn named(&self, name: Option<&str>) -> Result<&GameDay, Mistake> {
        let names = || {
            let names: Vec<&str> = self
                .game_days
                .iter()
                .map(|game_day| game_day.metadata.name.as_str())
                .collect();
            names.join(", ")
        };
        match (name, self.game_days.as_slice()) {
            (_, []) => Err(Mistake::unplaced(
                "there is no game day in these files: give one with `kind: GameDay`".to_owned(),
            )),
            (None, [only]) => Ok(only),
            (None, _) => Err(Mistake::unplaced(format!(
                "there are several game days, name one of them: {}",
                names()
            ))),
            (Some(name), all) => all
                .iter()
                .find(|game_day| game_day.metadata.name == name)
                .ok_or_else(|| {
                    Mistake::unplaced(format!(
                        "there is no game day `{name}` in these files: there is {}",
                        names()
                    ))
                }),
        }
    }
}
