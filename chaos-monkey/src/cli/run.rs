//! `chaos-monkey game-day run`.

use std::path::PathBuf;

use clap::Args;

use super::{ShowArguments, read};
use crate::exit::Exit;

/// Runs a game day and gives its verdict
///
/// Starts the system, puts it under load, breaks it as the file says, and judges what its users
/// noticed. The report is `report.html` in the folder of the run.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// The files: one game day and its system, in one file or in several
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Which game day, if the files hold several
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// How it runs and what it shows
    #[command(flatten)]
    pub show: ShowArguments,
}

pub(super) fn execute(arguments: RunArguments) -> Exit {
    let (game_day, system) = match read(&arguments.files, arguments.name.as_deref()) {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    arguments.show.run(&game_day, &system, None)
}
