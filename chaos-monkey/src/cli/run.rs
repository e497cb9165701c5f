//! `chaos-monkey game-day run`.

use std::path::PathBuf;

use clap::Args;

#[cfg(feature = "kubernetes")]
use super::cluster::PodArguments;
use super::{ShowArguments, read};
use crate::exit::Exit;
use crate::file::Backend;

/// Runs a game day and gives its verdict
///
/// Starts the system, or finds it in a cluster, puts it under load, breaks it as the file says, and
/// judges what its users noticed. The report is `report.html` in the folder of the run.
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

    /// Where it takes place
    #[cfg(feature = "kubernetes")]
    #[command(flatten)]
    pub pods: PodArguments,
}

pub(super) fn execute(arguments: &RunArguments) -> Exit {
    match run(arguments) {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("{error}");
            Exit::Usage
        }
    }
}

fn run(arguments: &RunArguments) -> Result<Exit, String> {
    #[cfg(feature = "kubernetes")]
    if arguments.pods.are_meant() {
        return super::cluster::game_day(arguments);
    }
    let documents = read(&arguments.files, Backend::Processes)?;
    let found = documents.game_day(arguments.name.as_deref());
    let (game_day, system) = found.map_err(|mistake| format!("error: {mistake}"))?;
    Ok(arguments.show.run(game_day, system, None))
}
