//! `chaos-monkey game-day run --target kubernetes`.

use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::ClusterArguments;
use super::arguments::confirmed;
use super::by_hand::{catch_up, say_undelivered};
use crate::cli::show::exit;
use crate::cli::{RunArguments, Settings, SettingsArguments, in_runtime, read};
use crate::engine::Place;
use crate::exit::Exit;
use crate::file::{Backend, Documents};
use crate::schema::System;
use crate::target::kubernetes::agent::HandTeller;
use crate::target::kubernetes::game_day::{Conductor, PodOptions, Somebody};
use crate::target::kubernetes::{BY_HAND, Connection, Killer};

/// Where a game day takes place.
#[derive(Debug, Clone, Args)]
pub struct PodArguments {
    /// Where it takes place
    #[arg(long, value_enum, default_value_t = TargetArgument::Processes)]
    pub target: TargetArgument,

    /// In which cluster
    #[command(flatten)]
    pub cluster: ClusterArguments,

    /// By the settings of which agent pods are killed, if there are several: in the files if they
    /// hold any, else of the one that runs
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,

    /// Really kill pods
    #[arg(long)]
    pub no_dry_run: bool,

    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// A place for a game day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TargetArgument {
    /// Local processes, which it starts and stops
    Processes,
    /// Pods of a cluster, which run already
    Kubernetes,
}

impl PodArguments {
    /// Whether it takes place in a cluster.
    pub(in crate::cli) fn are_meant(&self) -> bool {
        self.target == TargetArgument::Kubernetes
    }

    async fn settings(
        &self,
        documents: &Documents,
        connection: &Connection,
    ) -> Result<Settings, String> {
        if documents.agents.is_empty() {
            let of_the_running_one = SettingsArguments {
                files: Vec::new(),
                name: self.agent.clone(),
            };
            return self.cluster.settings(&of_the_running_one, connection).await;
        }
        let agent = documents.agent(self.agent.as_deref());
        let agent = agent.map_err(|mistake| format!("error: {mistake}"))?;
        Settings::of(agent.metadata.name.clone(), agent.spec.clone(), None)
            .map_err(|error| format!("error: {error}"))
    }
}

/// Runs a game day in the pods of a cluster.
///
/// # Errors
///
/// Mistakes in the files, no way to the cluster, or nobody to be asked. Nothing was broken.
pub(in crate::cli) fn game_day(arguments: &RunArguments) -> Result<Exit, String> {
    // Nothing of the cluster is asked before the files are right.
    let documents = read(&arguments.files, Backend::Kubernetes)?;
    in_runtime(run(arguments, &documents))
        .map_err(|error| format!("error: cannot start: {error}"))?
}

async fn run(arguments: &RunArguments, documents: &Documents) -> Result<Exit, String> {
    let RunArguments {
        name, show, pods, ..
    } = arguments;
    let found = documents.game_day(name.as_deref());
    let (game_day, system) = found.map_err(|mistake| format!("error: {mistake}"))?;
    let connection = pods.cluster.open().await?;
    let settings = pods.settings(documents, &connection).await?;
    let context = connection.context.clone();
    eprintln!(
        "context `{context}`, by the settings of `{}`",
        settings.name
    );
    let breaks = pods.no_dry_run && !show.no_faults;
    if breaks {
        let namespaces = namespaces(system);
        let question = format!("Break pods of {namespaces} in the context `{context}`?");
        if !confirmed(&question, pods.yes)? {
            eprintln!("nothing was broken");
            return Ok(Exit::Aborted);
        }
    } else if !show.no_faults {
        eprintln!(
            "a dry run: nothing is killed, and the verdict is inconclusive; --no-dry-run kills"
        );
    }
    let teller = HandTeller::new(&connection, settings.rules.webhooks());
    let teller = teller.map_err(|error| format!("error: {error}"))?;
    let somebody = Arc::new(Somebody::new(teller));
    if breaks {
        catch_up(&connection, &pods.cluster.agent_namespace).await;
    }
    let conductor: Arc<dyn Conductor> = Arc::<Somebody>::clone(&somebody);
    let options = PodOptions {
        killer: Killer {
            connection,
            namespace: pods.cluster.agent_namespace.clone(),
            agent: BY_HAND.to_owned(),
            is_dry_run: !breaks,
        },
        rules: settings.rules,
        conductor,
    };
    let place = Place::Kubernetes(Box::new(options));
    let dry = if breaks || show.no_faults {
        ""
    } else {
        ", dry run"
    };
    let variant = format!("pods in the context `{context}`{dry}");
    let finished = show.finish_in(place, game_day, system, Some(&variant));
    let exit = exit(finished.await);
    say_undelivered(somebody.teller()).await;
    Ok(exit)
}

/// The namespaces of a system's pods, for people.
fn namespaces(system: &System) -> String {
    let services = system.spec.services.values();
    let bindings = services.filter_map(|service| service.kubernetes.as_ref());
    let mut names: Vec<String> = bindings
        .map(|binding| format!("`{}`", binding.namespace))
        .collect();
    names.sort();
    names.dedup();
    names.join(", ")
}
