//! The same game day with and without the middleware.

use chaos_monkey::cli::{ShowArguments, in_runtime};
use chaos_monkey::exit::Exit;
use chaos_monkey::schema::{GameDay, ProcessBinding, System};
use chaos_monkey::verdict::Outcome;
use chaos_monkey::view::compare;

/// Runs both and puts them side by side; passed only if the one passes and the other fails.
pub(super) fn run(
    show: &ShowArguments,
    game_day: &GameDay,
    system: &System,
) -> anyhow::Result<Exit> {
    let folder = show.folder();
    let with = ShowArguments {
        out: Some(folder.join("with-middleware")),
        ..show.clone()
    };
    let without = ShowArguments {
        out: Some(folder.join("bare")),
        ..show.clone()
    };
    let (with, without) = in_runtime(async {
        let with = with.finish(game_day, system, None).await?;
        let without = without.finish(game_day, &bare(system), Some("bare")).await?;
        anyhow::Ok((with, without))
    })??;
    let sides = [
        compare::Side::new("with the middleware", &with.run, &with.verdict),
        compare::Side::new("bare", &without.run, &without.verdict),
    ];
    print!("{}", compare::text(&sides));
    compare::write_all(&folder, &sides)?;
    println!("side by side: {}", folder.join("compare.html").display());
    let proven = with.verdict.outcome == Outcome::Passed
        && without.verdict.outcome == Outcome::Failed;
    Ok(if proven { Exit::Passed } else { Exit::Failed })
}

/// The same system with the middleware switched off in every service.
fn bare(system: &System) -> System {
    let mut system = system.clone();
    let processes = system.spec.services.values_mut();
    for process in processes.filter_map(|service| service.process.as_mut()) {
        switch_off(process);
    }
    system
}

fn switch_off(process: &mut ProcessBinding) {
    process
        .env
        .insert("APLOMB_BARE".to_owned(), "true".to_owned());
}
