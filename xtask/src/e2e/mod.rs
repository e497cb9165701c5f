//! `cargo xtask e2e`: the agent on a real cluster. What mostly waits runs at once, the rest alone.
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
mod refusals;
mod relay;
mod running;
mod scenario;
mod victims;
mod world;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use parking_lot::Mutex;

use cluster::Cluster;
pub(crate) use cluster::output;
use scenario::Scenario;
use world::World;

use crate::images;

/// The agent on a real cluster, scenario by scenario
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

/// How many scenarios run at once that mostly wait.
const AT_ONCE: usize = 3;

/// Those that have everything they touch for themselves, the longest first.
fn beside_others() -> impl Iterator<Item = (&'static str, Scenario)> {
    budgets::ALL
        .into_iter()
        .chain(interruptions::BESIDE_OTHERS)
        .chain(refusals::ALL)
        .chain(victims::ALL)
        .chain(running::ALL)
        .chain(by_hand::ALL)
}

/// Those that serve users, or touch what all share: one after the other.
fn alone() -> impl Iterator<Item = (&'static str, Scenario)> {
    interruptions::ALONE
        .into_iter()
        .chain(game_day::ALL)
        .chain(game_day_resource::ALL)
        .chain(charts::ALL)
        .chain(mesh::ALL)
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let words = &arguments.words;
    let is_chosen = |(name, _): &(&str, Scenario)| {
        words.is_empty() || words.iter().any(|word| name.contains(word.as_str()))
    };
    let together: Vec<_> = beside_others().filter(is_chosen).collect();
    let alone: Vec<_> = alone().filter(is_chosen).collect();
    if together.is_empty() && alone.is_empty() {
        let all = beside_others().chain(self::alone());
        let names: Vec<&str> = all.map(|(name, _)| name).collect();
        bail!(
            "no scenario has such a name: there are {}",
            names.join(", ")
        );
    }
    build("chaos-monkey")?;
    let cluster = Cluster::find()?;
    println!("context `{}`", cluster.context()?);
    load_images(&arguments.archive, &alone)?;
    let result = Round::new(&cluster, &arguments.image).all(&together, &alone);
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

/// All scenarios on one cluster.
struct Round<'cluster> {
    cluster: &'cluster Cluster,
    image: &'cluster str,
    /// How many were begun.
    begun: Mutex<usize>,
    failed: AtomicUsize,
}

impl<'cluster> Round<'cluster> {
    const fn new(cluster: &'cluster Cluster, image: &'cluster str) -> Self {
        Self {
            cluster,
            image,
            begun: Mutex::new(0),
            failed: AtomicUsize::new(0),
        }
    }

    fn all(&self, together: &[(&str, Scenario)], alone: &[(&str, Scenario)]) -> anyhow::Result<()> {
        self.at_once(AT_ONCE, together)?;
        self.at_once(1, alone)?;
        let (failed, all) = (
            self.failed.load(Ordering::SeqCst),
            together.len() + alone.len(),
        );
        if failed > 0 {
            bail!("{failed} of {all} scenarios failed");
        }
        println!("all {all} scenarios hold");
        Ok(())
    }

    /// So many at once, until all have run.
    fn at_once(&self, count: usize, scenarios: &[(&str, Scenario)]) -> anyhow::Result<()> {
        let next = AtomicUsize::new(0);
        let lane = || {
            while let Some((name, scenario)) = scenarios.get(next.fetch_add(1, Ordering::SeqCst)) {
                self.one(name, *scenario)?;
            }
            anyhow::Ok(())
        };
        thread::scope(|scope| {
            let lanes: Vec<_> = (0..count).map(|_| scope.spawn(lane)).collect();
            lanes.into_iter().try_for_each(|lane| {
                lane.join()
                    .unwrap_or_else(|_| bail!("a scenario broke: what it said is above"))
            })
        })
    }

    fn one(&self, name: &str, scenario: Scenario) -> anyhow::Result<()> {
        let begin = Instant::now();
        let world = self.world().with_context(|| format!("preparing {name}"))?;
        let result = scenario(&world);
        let seconds = begin.elapsed().as_secs_f64();
        match result {
            Ok(seen) => println!("✓ {name} ({seconds:.0} s): {seen}"),
            Err(error) => {
                self.failed.fetch_add(1, Ordering::SeqCst);
                println!("✗ {name} ({seconds:.0} s): {error:#}");
                world.tell_logs();
            }
        }
        world.end()
    }

    /// One after the other: they all bring the same definitions.
    fn world(&self) -> anyhow::Result<World<'cluster>> {
        let mut begun = self.begun.lock();
        *begun += 1;
        World::new(self.cluster, *begun, self.image)
    }
}
