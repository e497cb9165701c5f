//! `chaos-monkey completions`.

use std::io;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use crate::exit::Exit;

/// Prints a completion script for a shell
#[derive(Debug, Args)]
#[command(
    long_about = "Prints a completion script for a shell. Put it where the shell looks for it:\n\n  \
                  chaos-monkey completions bash > ~/.local/share/bash-completion/completions/chaos-monkey"
)]
pub struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

pub(super) fn execute(arguments: &CompletionsArguments) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Cli::command(),
        "chaos-monkey",
        &mut script,
    );
    super::print(&script, io::stdout())
}
