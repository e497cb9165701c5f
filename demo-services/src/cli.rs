//! The command: a subcommand per service, and what people run.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Context;
use chaos_monkey::cli::in_runtime;
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell as CompletionShell;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::gateway::GatewaySettings;
use crate::playback::PlaybackSettings;
use crate::shell::{self, DatabaseSettings, ServiceParts, ServiceSettings, Shell};
use crate::{auth, check, game_day, gateway, mesh, metadata, playback, recommendations, setup, up};

/// A small streaming service to practise on.
///
/// `demo-services game-day` starts the whole mesh as real processes, puts it under load, kills
/// instances and whole services, and ends with a verdict and a report.
#[derive(Debug, Parser)]
#[command(name = "demo-services", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Break the mesh while users are served, and say what they noticed
    GameDay(game_day::Arguments),
    /// Run the mesh alone until Ctrl-C, with commands to try
    Up(up::Arguments),
    /// Make the catalogue, the users and the keys that the mesh runs on
    Setup(setup::Arguments),
    /// Make only what never changes: the catalogue and what is learnt from its viewers
    SetupCatalogue(setup::catalogue::Arguments),
    /// Make the tables of a PostgreSQL, a key to sign with, and the users that are missing
    SetupDatabase(setup::database::Arguments),
    /// Print the pods of a release of the chart as a system, for game days
    System(mesh::Arguments),
    /// Ask a gateway what users ask, and say what it answers
    Check(check::Arguments),
    /// The only public service: asks the others and answers users
    Gateway {
        #[command(flatten)]
        service: ServiceSettings,
        #[command(flatten)]
        gateway: GatewaySettings,
    },
    /// Logins, tokens and keys
    Auth {
        #[command(flatten)]
        service: ServiceSettings,
        #[command(flatten)]
        database: DatabaseSettings,
    },
    /// The catalogue: titles and full-text search
    Metadata(ServiceSettings),
    /// Rows of titles for a user
    Recommendations(ServiceSettings),
    /// Streams, manifests and positions
    Playback {
        #[command(flatten)]
        service: ServiceSettings,
        #[command(flatten)]
        playback: PlaybackSettings,
    },
    /// Print a script that completes this command's words in a shell
    Completions {
        /// Which shell
        shell: CompletionShell,
    },
}

/// Runs the command that the arguments name, and says with which code the process ends.
///
/// # Errors
///
/// Whatever keeps the command from doing its work, in words for people.
pub fn run() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::GameDay(arguments) => return game_day::run(&arguments).map(ExitCode::from),
        Command::Up(arguments) => in_runtime(up::run(arguments))??,
        Command::Setup(arguments) => in_runtime(setup::command(arguments))??,
        Command::SetupCatalogue(arguments) => {
            in_runtime(setup::catalogue::command(arguments))??;
        }
        Command::SetupDatabase(arguments) => in_runtime(setup::database::command(arguments))??,
        Command::System(arguments) => mesh::command(&arguments)?,
        Command::Check(arguments) => return in_runtime(check::run(arguments))?,
        Command::Gateway { service, gateway } => serve("gateway", service, async |shell| {
            gateway::parts(shell, gateway).await
        })?,
        Command::Auth { service, database } => {
            serve("auth", service, async |shell| {
                auth::parts(shell, database).await
            })?;
        }
        Command::Metadata(settings) => serve("metadata", settings, metadata::parts)?,
        Command::Recommendations(settings) => {
            serve("recommendations", settings, recommendations::parts)?;
        }
        Command::Playback {
            service,
            playback: settings,
        } => serve("playback", service, async |shell| {
            playback::parts(shell, settings).await
        })?,
        Command::Completions { shell } => {
            let mut command = Cli::command();
            clap_complete::generate(shell, &mut command, "demo-services", &mut std::io::stdout());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn serve(
    name: &'static str,
    settings: ServiceSettings,
    build: impl AsyncFnOnce(Shell) -> anyhow::Result<ServiceParts>,
) -> anyhow::Result<()> {
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(log_filter(std::env::var_os("RUST_LOG"))?)
        .with(lines)
        .init();
    in_runtime(shell::run(name, settings, build))?
}

/// Which lines a service logs: `info`, or what `RUST_LOG` says, like `warn,resilience=debug`.
fn log_filter(wanted: Option<OsString>) -> anyhow::Result<Targets> {
    let Some(wanted) = wanted else {
        return Ok(Targets::new().with_default(LevelFilter::INFO));
    };
    let wanted = wanted.to_string_lossy();
    wanted
        .parse()
        .with_context(|| format!("RUST_LOG is `{wanted}`: write `info` or `warn,resilience=debug`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_makes_no_sense_is_an_error() {
        assert!(log_filter(None).is_ok());
        assert!(log_filter(Some("warn,resilience=debug".into())).is_ok());
        let error = log_filter(Some("resilience=loud".into())).unwrap_err();
        assert!(error.to_string().contains("resilience=loud"));
    }
}
