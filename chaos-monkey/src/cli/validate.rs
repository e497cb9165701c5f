//! `chaos-monkey validate`.

use std::path::PathBuf;

use clap::Args;

use super::print;
use crate::exit::Exit;
use crate::file;

/// Checks files and reports every mistake in them
#[derive(Debug, Args)]
#[command(
    long_about = "Checks files and reports every mistake in them: where it stands, which key, \
                  which value, and what would be right. Give the file of a game day together with \
                  that of its system, unless they are one:\n\n  \
                  chaos-monkey validate single-kills.yaml system.yaml"
)]
pub struct ValidateArguments {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

pub(super) fn execute(arguments: &ValidateArguments) -> Exit {
    match file::load(&arguments.files) {
        Ok(documents) => print(
            format!(
                "{} and {}, no mistake\n",
                counted(documents.systems.len(), "system"),
                counted(documents.game_days.len(), "game day"),
            )
            .as_bytes(),
            std::io::stdout(),
        ),
        Err(mistakes) => {
            eprintln!("{mistakes:#}");
            eprintln!("{}", counted(mistakes.list().len(), "mistake"));
            Exit::Usage
        }
    }
}

fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
