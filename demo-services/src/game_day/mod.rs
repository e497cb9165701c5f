//! `demo-services game-day`: the whole show. It describes the mesh and hands it to the engine of
//! `chaos-monkey`.

mod compare;
mod library;

use std::path::Path;

use anyhow::{Context, bail};
use chaos_monkey::cli::ShowArguments;
use chaos_monkey::exit::Exit;
use chaos_monkey::file::{self, Documents};
use chaos_monkey::schema::{GameDay, Rate, System};

use crate::gateway::Bug;
use crate::mesh::{self, Variant};

/// Break the mesh while users are served, and say what they noticed.
///
/// Without a name it runs the default: random kills across all services, then all of
/// recommendations gone, while 200 journeys a second arrive. The report is `report.html` in the
/// folder of the run.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A game day of `--list`, or a file
    #[arg(value_name = "NAME|FILE", default_value = library::DEFAULT)]
    game_day: String,

    /// List the game days that come with the demo
    #[arg(long)]
    list: bool,

    /// Switch the middleware off in every service: the same load, device and victims
    #[arg(long, conflicts_with = "compare")]
    bare: bool,

    /// Run with and without the middleware, side by side; succeeds if one passes and one fails
    #[arg(long)]
    compare: bool,

    /// Journeys per second, instead of what the game day says
    #[arg(long, value_name = "PER_SECOND", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: Option<u32>,

    #[command(flatten)]
    show: ShowArguments,
}

/// Runs it.
///
/// # Errors
///
/// A game day that is not there, or an executable that cannot find itself.
pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    if arguments.list {
        return list();
    }
    let executable = std::env::current_exe().context("cannot find this executable")?;
    let meshes = |bare| BUGS.map(|bug| mesh::system(&executable, Variant { bare, bug }));
    let known = meshes(false);
    let (mut game_day, system) = match read(&arguments.game_day, &known)? {
        Ok(found) => found,
        Err(mistakes) => {
            eprintln!("{mistakes:#}");
            return Ok(Exit::Usage);
        }
    };
    if let Some(rate) = arguments.rate {
        game_day.spec.load.rate = Rate::Constant(rate.into());
    }
    if !arguments.bare && !arguments.compare {
        return Ok(arguments.show.run(&game_day, &system, None));
    }
    let mut meshes = known.iter().zip(meshes(true));
    let bare = meshes.find_map(|(one, bare)| (*one == system).then_some(bare));
    let Some(bare) = bare else {
        bail!(
            "`{}` brings a system of its own: only the middleware of {} can be switched off",
            arguments.game_day,
            mesh::NAME
        );
    };
    if arguments.bare {
        return Ok(arguments.show.run(&game_day, &bare, Some("bare")));
    }
    compare::run(&arguments.show, &game_day, &system, &bare)
}

/// Every mesh that a game day of the demo can name.
const BUGS: [Bug; 2] = [Bug::None, Bug::MismatchedTimeout];

/// The game day of this name or in this file, with the mesh it is for; or the file's mistakes.
fn read(name: &str, known: &[System]) -> anyhow::Result<Result<(GameDay, System), String>> {
    let documents = if let Some(text) = library::text(name) {
        file::load_text(&format!("{name}.yaml"), text, known)
    } else {
        let path = Path::new(name);
        if !path.exists() {
            bail!("there is no game day and no file `{name}`: see --list");
        }
        file::load_with(&[path.to_owned()], known)
    };
    let found = |documents: Documents| {
        let (game_day, system) = documents
            .game_day(None)
            .map_err(|mistake| format!("error: {mistake}"))?;
        Ok((game_day.clone(), system.clone()))
    };
    Ok(documents
        .map_err(|mistakes| format!("{mistakes:#}"))
        .and_then(found))
}

fn list() -> anyhow::Result<Exit> {
    for (name, text) in library::all() {
        let known =
            BUGS.map(|bug| mesh::system(Path::new("demo-services"), Variant { bare: false, bug }));
        let title = match file::load_text(name, text, &known) {
            Ok(documents) => documents
                .game_day(None)
                .map(|(game_day, _)| game_day.spec.title.clone())
                .unwrap_or_default(),
            Err(mistakes) => bail!("{mistakes}"),
        };
        println!("{name:22} {title}");
    }
    Ok(Exit::Passed)
}
