//! `chaos-monkey agent`.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::arguments::confirmed;
use super::{ClusterArguments, say};
use crate::cli::{Change, SettingsArguments};
use crate::exit::Exit;
use crate::target::kubernetes::agent::{self, AgentError, AgentOptions};

/// Runs an agent, which kills pods until it is ended
#[derive(Debug, Args)]
#[command(
    long_about = "Runs an agent, which kills pods of a cluster when its settings say so, until it \
                  is ended. Without --no-dry-run, and without `dryRun: false` in its settings, it \
                  only says what it would kill:\n\n  \
                  chaos-monkey agent agent.yaml\n\n\
                  Where it kills it asks once whether the context is the right one, but not inside \
                  of a cluster.\n\n\
                  What a flag sets stands in place of what the files say, and is checked like \
                  it.\n\n\
                  The settings are read again when they change; bad ones are refused and the old \
                  ones stay. Of several copies with one name one kills."
)]
pub struct AgentArguments {
    /// The settings
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Which agent, if the files hold several
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// In which cluster
    #[command(flatten)]
    pub cluster: ClusterArguments,

    /// Really kill, whatever the settings say
    #[arg(long)]
    pub no_dry_run: bool,

    /// Do not ask whether killing is meant for this context
    #[arg(long)]
    pub yes: bool,

    /// A setting in place of that in the files, such as guards.budget.perHour=3
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<Change>,

    /// Whether pods must have been offered, in place of spec.optIn; `none` is every pod that
    /// nobody has withheld
    #[arg(long, value_name = "WHICH", value_parser = ["required", "none"])]
    pub opt_in: Option<String>,

    /// The name of the agent's own pod, which it never kills
    #[arg(
        long,
        env = "POD_NAME",
        value_name = "NAME",
        requires = "pod_namespace"
    )]
    pub pod_name: Option<String>,

    /// The namespace of the agent's own pod
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAMESPACE")]
    pub pod_namespace: Option<String>,

    /// Seed of everything random [default: that of the settings, else one that is drawn once]
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,

    /// Where metrics and health are served
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8086")]
    pub listen: SocketAddr,

    /// Folder for the journals and reports of the game days that it runs, the latest ten
    #[arg(
        long,
        value_name = "DIR",
        default_value = "/tmp/chaos-monkey-game-days"
    )]
    pub game_day_folder: PathBuf,

    /// The form of the log
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// What the log tells: `info`, or `debug` for each pod that a filter refuses
    #[arg(long, value_enum, default_value_t = LogLevel::Info)]
    pub log_level: LogLevel,
}

/// A form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// How much the log tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// What needs somebody
    Warn,
    /// Each kill, and why there was none
    Info,
    /// Each pod that a filter refuses, too
    Debug,
}

pub(super) fn execute(arguments: AgentArguments) -> Exit {
    log(arguments.log_format, arguments.log_level);
    // One thread is enough for what an agent does, and needs half the memory of two.
    say(in_one_thread(run(arguments)))
}

fn in_one_thread<F: Future>(future: F) -> std::io::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(future))
}

async fn run(arguments: AgentArguments) -> Result<Exit, String> {
    let connection = arguments.cluster.open().await?;
    let said = |error: std::io::Error| format!("error: signals cannot be heard: {error}");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(said)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(said)?;
    let end = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "somewhere".to_owned());
    let settings = SettingsArguments {
        files: arguments.files,
        name: arguments.name,
    };
    let mut changes = arguments.set;
    changes.extend(arguments.opt_in.map(|it| Change::of("optIn", it.into())));
    changes.extend(arguments.seed.map(|it| Change::of("seed", it.into())));
    if arguments.no_dry_run {
        changes.push(Change::of("dryRun", false.into()));
    }
    eprintln!("context `{}`", connection.context);
    let read = move || settings.read()?.with(&changes);
    // Whoever deploys it means that cluster; a command, and its file, may be meant for another one.
    if !connection.is_in_cluster() && !read()?.spec.dry_run {
        let context = &connection.context;
        let question = format!("Kill pods in the context `{context}` when they are due?");
        if !confirmed(&question, arguments.yes)? {
            eprintln!("nothing was killed");
            return Ok(Exit::Aborted);
        }
    }
    let options = AgentOptions {
        connection,
        namespace: arguments.cluster.agent_namespace,
        // The same host may run several, one after another or at once.
        identity: format!("{host}-{:08x}", rand::random::<u32>()),
        read: Arc::new(move || read().map(|it| (it.name, it.spec))),
        pod: arguments.pod_namespace.zip(arguments.pod_name),
        listen: arguments.listen,
        game_day_folder: arguments.game_day_folder,
    };
    match Box::pin(agent::run(options, end)).await {
        Ok(()) => Ok(Exit::Passed),
        Err(AgentError::Settings(error)) => Err(error),
        Err(error) => Err(format!("error: {error}")),
    }
}

fn log(format: LogFormat, level: LogLevel) {
    let level = match level {
        LogLevel::Warn => tracing::Level::WARN,
        LogLevel::Info => tracing::Level::INFO,
        LogLevel::Debug => tracing::Level::DEBUG,
    };
    // What libraries tell of each request would bury what the agent tells.
    let filter = Targets::new()
        .with_default(tracing::Level::WARN)
        .with_target(env!("CARGO_CRATE_NAME"), level);
    let layer = tracing_subscriber::fmt::layer()
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Text => registry.with(layer).init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).init(),
    }
}
