//! The same game day with and without the middleware.

use anyhow::Context;
use chaos_monkey::cli::{ShowArguments, in_runtime};
use chaos_monkey::exit::Exit;
use chaos_monkey::schema::{GameDay, System};
use chaos_monkey::view::compare::{self, Side};

/// Runs both and puts them side by side; passed only if the one passes and the other fails.
pub(super) fn run(
    show: &ShowArguments,
    game_day: &GameDay,
    system: &System,
    bare: &System,
) -> anyhow::Result<Exit> {
    let folder = show.folder();
    let into = |name: &str| ShowArguments {
        out: Some(folder.join(name)),
        ..show.clone()
    };
    let (with, without) = in_runtime(async {
        let with = into("with-middleware")
            .finish(game_day, system, None)
            .await?;
        let without = into("bare").finish(game_day, bare, Some("bare")).await?;
        anyhow::Ok((with, without))
    })??;
    let first = Side {
        name: "with middleware",
        run: &with.run,
        verdict: &with.verdict,
    };
    let second = Side {
        name: "bare",
        run: &without.run,
        verdict: &without.verdict,
    };
    print!("{}", compare::block(first, second));
    for (name, text) in [
        ("compare.md", compare::markdown(first, second)),
        ("compare.html", compare::html(first, second)),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!("side by side: {}", folder.join("compare.html").display());
    Ok(if compare::is_proof(first, second) {
        Exit::Passed
    } else {
        Exit::Failed
    })
}
