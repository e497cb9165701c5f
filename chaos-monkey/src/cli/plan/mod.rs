//! `chaos-monkey plan`.

mod agent;
mod game_day;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::civil::Date;

#[cfg(feature = "kubernetes")]
use super::{ClusterArguments, TargetArgument, in_runtime};
use super::{SettingsArguments, print, read};
use crate::exit::Exit;
use crate::file::Backend;
#[cfg(feature = "kubernetes")]
use crate::journal::ServiceLayout;
use crate::plan;
#[cfg(feature = "kubernetes")]
use crate::schema::{GameDay, System};
#[cfg(feature = "kubernetes")]
use crate::target::kubernetes::game_day::Pods;

/// Prints what would be broken, and when
#[derive(Debug, Args)]
#[command(
    long_about = "Prints what would be broken, and when: by a game day, or by an agent in a \
                  cluster. The same files and the same seed give the same plan, byte for byte; \
                  guards look at it only when it is carried out.\n\n  \
                  chaos-monkey plan my-game-day.yaml --seed 7\n  \
                  chaos-monkey plan --context production --days 30\n\n\
                  Without a FILE it is the plan of the running agent, with its seed, after the kills \
                  that the ledger holds. The settings in a FILE that name no seed have that of the \
                  running agent of their name; where none runs it is 1, and an agent would draw \
                  another one. With a snapshot it needs no cluster:\n\n  \
                  kubectl get namespaces,pods,replicasets,deployments,statefulsets,daemonsets,\
                  replicationcontrollers --all-namespaces --output json > cluster.json\n  \
                  chaos-monkey plan agent.yaml --snapshot cluster.json"
)]
pub struct PlanArguments {
    /// One game day and its system, in one file or in several; or the settings of an agent
    #[command(flatten)]
    pub settings: SettingsArguments,

    /// Seed of everything random [default: that of the settings, else that of the running
    /// agent of their name, else 1]
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,

    /// For a game day: where it is to take place
    #[cfg(feature = "kubernetes")]
    #[arg(long, value_enum, default_value_t = TargetArgument::Processes)]
    pub target: TargetArgument,

    /// In which cluster
    #[cfg(feature = "kubernetes")]
    #[command(flatten)]
    pub cluster: ClusterArguments,

    /// For an agent: what is in the cluster, as kubectl prints it
    #[arg(long, value_name = "FILE")]
    pub snapshot: Option<PathBuf>,

    /// For an agent: on how many days [default: 30]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=3_660))]
    pub days: Option<u32>,

    /// For an agent: the first day, such as 2026-03-23 [default: today in the time zone of the
    /// schedule]
    #[arg(long, value_name = "DAY")]
    pub from: Option<Date>,

    /// The form
    #[arg(long, value_enum, default_value_t = PlanOutput::Table)]
    pub output: PlanOutput,
}

#[cfg(feature = "kubernetes")]
impl PlanArguments {
    /// Where a game day is to take place.
    fn backend(&self) -> Backend {
        if self.target == TargetArgument::Kubernetes {
            return Backend::Kubernetes;
        }
        Backend::Processes
    }
}

/// The seed of a plan for which nobody names one.
const SEED: u64 = 1;

/// A form of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanOutput {
    /// For people
    Table,
    /// For programs
    Json,
    /// The same as YAML
    Yaml,
}

pub(super) fn execute(arguments: &PlanArguments) -> Exit {
    match text(arguments) {
        Ok(text) => print(text.as_bytes(), std::io::stdout()),
        Err(error) => {
            eprintln!("{error}");
            Exit::Usage
        }
    }
}

/// The plan of the game day in the files; else that of an agent.
fn text(arguments: &PlanArguments) -> Result<String, String> {
    let files = &arguments.settings.files;
    if files.is_empty() {
        return agent::text(arguments);
    }
    #[cfg(feature = "kubernetes")]
    let backend = arguments.backend();
    #[cfg(not(feature = "kubernetes"))]
    let backend = Backend::Processes;
    let documents = read(files, backend)?;
    if documents.game_days.is_empty() && !documents.agents.is_empty() {
        return agent::text(arguments);
    }
    let game_day = documents.game_day(arguments.settings.name.as_deref());
    let (game_day, system) = game_day.map_err(|mistake| format!("error: {mistake}"))?;
    let seed = arguments.seed.unwrap_or(SEED);
    #[cfg(feature = "kubernetes")]
    let services = services(arguments, game_day, system)?;
    #[cfg(not(feature = "kubernetes"))]
    let services = plan::snapshot(system);
    game_day::text(game_day, &services, seed, arguments.output)
        .map_err(|error| format!("error: {error}"))
}

/// The services of a system and how many instances each has; in a cluster as many as there are pods
/// now.
#[cfg(feature = "kubernetes")]
fn services(
    arguments: &PlanArguments,
    game_day: &GameDay,
    system: &System,
) -> Result<Vec<ServiceLayout>, String> {
    match arguments.backend() {
        Backend::Kubernetes => {
            let read = async {
                let connection = arguments.cluster.open().await?;
                let target = &game_day.spec.load.target;
                let pods = Pods::read(&connection.client, system, target).await;
                pods.map_err(|error| format!("error: {error}"))
            };
            let pods = in_runtime(read).map_err(|error| format!("error: cannot start: {error}"))?;
            Ok(pods?.layout())
        }
        Backend::Any | Backend::Processes => Ok(plan::snapshot(system)),
    }
}

/// A document as JSON, indented.
fn json(document: &impl serde::Serialize) -> Result<String, String> {
    let text = serde_json::to_string_pretty(document);
    let text = text.map_err(|error| format!("the plan cannot be written as JSON: {error}"))?;
    Ok(text + "\n")
}
