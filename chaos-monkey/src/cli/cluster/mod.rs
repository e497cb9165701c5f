//! The commands that talk to a cluster.

mod agent;
mod arguments;
mod by_hand;
mod check;
mod crd;
mod game_day;
mod halt;
mod history;
mod kill;

use clap::Subcommand;

pub use agent::AgentArguments;
pub use arguments::ClusterArguments;
pub use check::CheckArguments;
pub use crd::CrdArguments;
pub(super) use game_day::game_day;
pub use game_day::{PodArguments, TargetArgument};
pub use halt::{HaltArguments, ResumeArguments};
pub use history::HistoryArguments;
pub use kill::KillArguments;

use super::in_runtime;
use crate::exit::Exit;

/// What can be done in a cluster.
#[derive(Debug, Subcommand)]
pub enum ClusterCommand {
    /// Run an agent
    Agent(AgentArguments),
    /// Check whether an agent could do its work
    Check(CheckArguments),
    /// Kill a pod
    Kill(KillArguments),
    /// Halt all killing
    Halt(HaltArguments),
    /// Let it go on
    Resume(ResumeArguments),
    /// Show what was killed
    History(HistoryArguments),
    /// Print the definitions of resources
    Crd(CrdArguments),
}

impl ClusterCommand {
    pub(super) fn execute(self) -> Exit {
        match self {
            Self::Agent(arguments) => agent::execute(arguments),
            Self::Check(arguments) => check::execute(&arguments),
            Self::Kill(arguments) => kill::execute(&arguments),
            Self::Halt(arguments) => halt::halt(&arguments),
            Self::Resume(arguments) => halt::resume(&arguments),
            Self::History(arguments) => history::execute(&arguments),
            Self::Crd(arguments) => crd::execute(&arguments),
        }
    }
}

/// Runs a command that talks to a cluster, and says on standard error what went wrong.
fn in_runtime_or_say(command: impl Future<Output = Result<Exit, String>>) -> Exit {
    say(in_runtime(command))
}

fn say(result: std::io::Result<Result<Exit, String>>) -> Exit {
    match result {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => {
            eprintln!("{error}");
            Exit::Usage
        }
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            Exit::Internal
        }
    }
}
