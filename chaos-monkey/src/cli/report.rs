//! `chaos-monkey report`.

use std::io::{IsTerminal, stdout};
use std::path::PathBuf;

use clap::Args;

use super::print;
use crate::exit::Exit;
use crate::view;

/// Makes the reports of a game day again, from its journal alone
#[derive(Debug, Args)]
#[command(
    long_about = "Makes the reports of a game day again, from its journal alone: verdict.json, \
                  summary.md, junit.xml and report.html come out as they were, byte for byte. The \
                  exit code is that of the verdict."
)]
pub struct ReportArguments {
    /// The folder of the game day
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

pub(super) fn execute(arguments: &ReportArguments) -> Exit {
    match view::rebuild(&arguments.folder) {
        Ok((run, verdict)) => {
            let text = view::block(&run, &verdict, stdout().is_terminal());
            match print(text.as_bytes(), stdout()) {
                Exit::Passed => verdict.outcome.into(),
                failed => failed,
            }
        }
        Err(error) => {
            eprintln!("error: {error}");
            Exit::Usage
        }
    }
}
