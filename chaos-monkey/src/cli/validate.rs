//! `chaos-monkey validate`.

use std::path::PathBuf;

use clap::Args;

use super::print;
use crate::exit::Exit;
use crate::file::{self, Documents};

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
        Ok(documents) => {
            let text = format!("{}, no mistake\n", held(&documents));
            print(text.as_bytes(), std::io::stdout())
        }
        Err(mistakes) => {
            eprintln!("{mistakes:#}");
            eprintln!("{}", counted(mistakes.list().len(), "mistake"));
            Exit::Usage
        }
    }
}

/// How many resources of each kind there are.
fn held(documents: &Documents) -> String {
    let counts = [
        (documents.systems.len(), "system"),
        (documents.game_days.len(), "game day"),
        (documents.agents.len(), "agent"),
    ];
    let held: Vec<String> = counts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| counted(number, what))
        .collect();
    match held.as_slice() {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => held.concat(),
    }
}

fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
