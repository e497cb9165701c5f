//! `cargo xtask e2e`: the agent on a real cluster.
#![allow(clippy::disallowed_types, reason = "nothing here runs in tokio")]

mod agent;
mod budgets;
mod by_hand;
mod charts;
mod cluster;
mod game_day;
mod game_day_resource;
mod interruptions;
mod mesh;
mod probe;
mod running;
mod scenario;
mod victims;
mod world;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use clap::Args;

use cluster::Cluster;
pub(crate) use cluster::output;
use scenario::Scenario;
use world::World;

use crate::images;

/// The agent on a real cluster, one scenario after the other
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only scenarios whose names contain one of these words
    pub words: Vec<String>,

    /// An image that a node has or can pull, and that sleeps
    #[arg(long, default_value = "local/pause:1")]
    pub image: String,

    /// Archives with the images of the programs, one after the other [default: those that
    /// `cargo xtask images` makes now, if a scenario needs them]
    #[arg(long, value_name = "FILE")]
    pub archive: Vec<PathBuf>,

    /// Leave the cluster and what is in it as they are at the end
    #[arg(long)]
    pub keep: bool,
}

/// All scenarios, by name, in the order in which they run.
fn scenarios() -> impl Iterator<Item = (&'static str, Scenario)> {
    victims::ALL
        .into_iter()
        .chain(budgets::ALL)
        .chain(interruptions::ALL)
        .chain(running::ALL)
        .chain(by_hand::ALL)
        .chain(game_day::ALL)
        .chain(game_day_resource::ALL)
        .chain(charts::ALL)
        .chain(mesh::ALL)
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let chosen: Vec<_> = scenarios()
        .filter(|(name, _)| {
            arguments.words.is_empty()
                || arguments
                    .words
                    .iter()
                    .any(|word| name.contains(word.as_str()))
        })
        .collect();
    if chosen.is_empty() {
        let names: Vec<&str> = scenarios().map(|(name, _)| name).collect();
        bail!(
            "no scenario has such a name: there are {}",
            names.join(", ")
        );
    }
    build("chaos-monkey")?;
    let cluster = Cluster::find()?;
    println!("context `{}`", cluster.context()?);
    load_images(&arguments.archive, &chosen)?;
    let result = all(&cluster, arguments, &chosen);
    if !arguments.keep {
        cluster.clean()?;
    }
    result
}

/// Builds a program. Chosen with a test, its dependencies have the features that `cargo test
/// --workspace` gives them, and are not built a second time.
fn build(program: &str) -> anyhow::Result<()> {
    let built = crate::run::cargo()
        .args(["build", "--workspace", "--bin", program])
        .args(["--test", "agent"])
        .status()?;
    ensure!(built.success(), "{program} does not build");
    Ok(())
}

/// Brings images to the cluster: those of archives, else those that scenarios need, made now.
fn load_images(archives: &[PathBuf], chosen: &[(&str, Scenario)]) -> anyhow::Result<()> {
    if !archives.is_empty() {
        return archives
            .iter()
            .try_for_each(|archive| cluster::load(archive));
    }
    let is_chosen = |of: &[(&str, Scenario)]| {
        of.iter()
            .any(|(one, _)| chosen.iter().any(|(it, _)| it == one))
    };
    let mut programs = Vec::new();
    if is_chosen(&charts::ALL) {
        programs.push(charts::PROGRAM);
    }
    if is_chosen(&mesh::ALL) {
        programs.push(mesh::PROGRAM);
    }
    if programs.is_empty() {
        return Ok(());
    }
    let archives = images::write(&programs, &images::folder())?;
    archives
        .iter()
        .try_for_each(|archive| cluster::load(archive))
}

fn all(
    cluster: &Cluster,
    arguments: &Arguments,
    chosen: &[(&str, Scenario)],
) -> anyhow::Result<()> {
    let mut failed = 0;
    for (number, (name, scenario)) in chosen.iter().enumerate() {
        let begin = Instant::now();
        let world = World::new(cluster, number, &arguments.image);
        let world = world.with_context(|| format!("preparing {name}"))?;
        let result = scenario(&world);
        let seconds = begin.elapsed().as_secs_f64();
        match result {
            Ok(seen) => println!("✓ {name} ({seconds:.0} s): {seen}"),
            Err(error) => {
                failed += 1;
                println!("✗ {name} ({seconds:.0} s): {error:#}");
                world.tell_logs();
            }
        }
        world.end()?;
    }
    if failed > 0 {
        bail!("{failed} of {} scenarios failed", chosen.len());
    }
    println!("all {} scenarios hold", chosen.len());
    Ok(())
}
