//! `chaos-monkey plan`.

mod agent;
mod game_day;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::civil::Date;

use super::print;
use crate::exit::Exit;
use crate::file;

/// Prints what would be broken, and when
#[derive(Debug, Args)]
#[command(
    long_about = "Prints what would be broken, and when: by a game day, or by an agent in a \
                  cluster. The same files and the same seed give the same plan, byte for byte; \
                  guards look at it only when it is carried out:\n\n  \
                  chaos-monkey plan my-game-day.yaml --seed 7\n  \
                  chaos-monkey plan agent.yaml --snapshot cluster.json --days 30 --seed 7\n\n\
                  A snapshot is what kubectl prints:\n\n  \
                  kubectl get namespaces,pods,replicasets,deployments,statefulsets,daemonsets,\
                  replicationcontrollers --all-namespaces --output json > cluster.json"
)]
pub struct PlanArguments {
    /// The files: one game day and its system, in one file or in several; or the settings of an
    /// agent
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Which game day or agent, if the files hold several
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// For an agent: what is in the cluster, as kubectl prints it
    #[arg(long, value_name = "FILE")]
    pub snapshot: Option<PathBuf>,

    /// For an agent: on how many days [default: 30]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=3_660), requires = "snapshot")]
    pub days: Option<u32>,

    /// For an agent: the first day, such as 2026-03-23 [default: today in the time zone of the
    /// schedule]
    #[arg(long, value_name = "DAY", requires = "snapshot")]
    pub from: Option<Date>,

    /// The form
    #[arg(long, value_enum, default_value_t = PlanOutput::Table)]
    pub output: PlanOutput,
}

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
    let documents = match file::load(&arguments.files) {
        Ok(documents) => documents,
        Err(mistakes) => {
            eprintln!("{mistakes:#}");
            return Exit::Usage;
        }
    };
    let name = arguments.name.as_deref();
    let text = match &arguments.snapshot {
        Some(snapshot) => agent::text(&documents, snapshot, arguments),
        None if documents.game_days.is_empty() && !documents.agents.is_empty() => {
            eprintln!("error: the plan of an agent is one for a cluster: give a --snapshot of it");
            return Exit::Usage;
        }
        None => match documents.game_day(name) {
            Ok((game_day, system)) => game_day::text(game_day, system, arguments),
            Err(mistake) => Err(mistake.to_string()),
        },
    };
    match text {
        Ok(text) => print(text.as_bytes(), std::io::stdout()),
        Err(error) => {
            eprintln!("error: {error}");
            Exit::Usage
        }
    }
}

/// A document as JSON, indented.
fn json(document: &impl serde::Serialize) -> Result<String, String> {
    let text = serde_json::to_string_pretty(document);
    let text = text.map_err(|error| format!("the plan cannot be written as JSON: {error}"))?;
    Ok(text + "\n")
}
