//! The command line, as a library, so that other commands can offer parts of it.

#[cfg(feature = "kubernetes")]
mod cluster;
mod completions;
mod convert;
mod explain;
mod plan;
mod report;
mod run;
mod schema;
mod settings;
mod show;
mod validate;

use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[cfg(feature = "kubernetes")]
pub use cluster::{
    AgentArguments, CheckArguments, ClusterArguments, ClusterCommand, CrdArguments, HaltArguments,
    HistoryArguments, KillArguments, PodArguments, ResumeArguments, TargetArgument,
};
pub use completions::CompletionsArguments;
pub use convert::ConvertArguments;
pub use explain::ExplainArguments;
pub use plan::{PlanArguments, PlanOutput};
pub use report::ReportArguments;
pub use run::RunArguments;
pub use schema::{SchemaArguments, SchemaOutput};
pub use settings::{Change, Settings, SettingsArguments};
pub use show::{ShowArguments, in_runtime};
pub use validate::ValidateArguments;

use crate::exit::Exit;
use crate::file::{self, Backend, Documents};

/// Breaks the services that a file describes while users are served, and proves what they noticed.
#[derive(Debug, Parser)]
#[command(
    name = "chaos-monkey",
    version,
    about,
    long_about = "Breaks the services that a file describes while users are served, and proves \
                  what they noticed.\n\n\
                  A game day is a file: a system, a load, a steady state and faults on a time \
                  line. Start with\n\n  \
                  chaos-monkey validate my-game-day.yaml\n  \
                  chaos-monkey plan my-game-day.yaml --seed 7\n  \
                  chaos-monkey game-day run my-game-day.yaml --seed 7",
    after_long_help = "Exit codes: 0 passed, 1 failed, 2 a bad file or usage, 3 aborted, \
                       4 inconclusive, 70 an internal error.",
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs game days
    #[command(subcommand)]
    GameDay(GameDayCommand),
    Plan(PlanArguments),
    Explain(ExplainArguments),
    #[cfg(feature = "kubernetes")]
    #[command(flatten)]
    Cluster(ClusterCommand),
    Validate(ValidateArguments),
    Schema(SchemaArguments),
    Convert(ConvertArguments),
    Report(ReportArguments),
    Completions(CompletionsArguments),
}

#[derive(Debug, Subcommand)]
enum GameDayCommand {
    Run(RunArguments),
}

/// Runs the command with the arguments of the process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Passed
            };
            // Nothing is left to be said to whoever closed the pipe.
            let _ = error.print();
            return exit.into();
        }
    };
    cli.execute().into()
}

impl Cli {
    /// Does what was asked, and says on standard error what went wrong.
    pub fn execute(self) -> Exit {
        match self.command {
            Command::GameDay(GameDayCommand::Run(arguments)) => run::execute(&arguments),
            Command::Plan(arguments) => plan::execute(&arguments),
            Command::Explain(arguments) => explain::execute(&arguments),
            #[cfg(feature = "kubernetes")]
            Command::Cluster(command) => command.execute(),
            Command::Validate(arguments) => validate::execute(&arguments),
            Command::Schema(arguments) => schema::execute(&arguments),
            Command::Convert(arguments) => convert::execute(&arguments),
            Command::Report(arguments) => report::execute(&arguments),
            Command::Completions(arguments) => completions::execute(&arguments),
        }
    }
}

/// Reads files whose game days must fit the place where they are to be run.
fn read(files: &[PathBuf], backend: Backend) -> Result<Documents, String> {
    file::load_for(files, backend).map_err(|mistakes| format!("{mistakes:#}"))
}

/// Writes to standard output. Whoever closed the pipe has what they wanted.
fn print(text: &[u8], mut out: impl Write) -> Exit {
    match out.write_all(text).and_then(|()| out.flush()) {
        Ok(()) => Exit::Passed,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Exit::Passed,
        Err(error) => {
            eprintln!("error: cannot write to standard output: {error}");
            Exit::Internal
        }
    }
}
