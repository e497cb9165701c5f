//! What the middleware costs the mesh: with and without it, in interleaved pairs, without faults
//! and without hedges.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use crate::run::{self, Outcome};

/// How often, and at which rate.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many pairs
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=15))]
    pairs: u32,
    /// The rate at which the bare mesh is saturated, per second (default: it is searched)
    #[arg(long)]
    saturation: Option<u32>,
    /// The share of that rate at which is measured
    #[arg(long, default_value_t = 0.7)]
    share: f64,
}

/// How long the load of one run takes: with its start and its end a run takes 20 s, and the
/// search and five pairs together less than ten minutes.
const SECONDS: u32 = 12;
/// Where the search for saturation begins, how it goes on, and where it ends.
const SEARCH: (u32, u32, u32) = (600, 200, 2_600);
/// With this p99, in milliseconds, the mesh no longer keeps up.
const SATURATED: f64 = 250.0;
/// What the middleware may cost: the least throughput and the longest p99, as shares of bare.
const GOALS: (f64, f64) = (0.97, 1.05);

/// A second copy of a slow request is load that the bare mesh does not have.
const NO_HEDGES: [(&str, &str); 1] = [("APLOMB_NO_HEDGE", "true")];

/// One run.
#[derive(Debug, Clone, Copy)]
struct Figures {
    /// Usable answers per second.
    throughput: f64,
    /// Milliseconds.
    p99: f64,
    is_conclusive: bool,
}

/// Runs the pairs, prints them, and says whether the medians are within the goals.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    ensure!(
        arguments.share > 0.0 && arguments.share <= 1.0,
        "expected a share above 0 and at most 1"
    );
    let mesh = Mesh::new()?;
    let saturation = match arguments.saturation {
        Some(rate) => rate,
        None => mesh.saturation()?,
    };
    let rate = (f64::from(saturation) * arguments.share).round() as u32;
    println!("saturated at {saturation}/s without the middleware: measured at {rate}/s");
    println!("pair | throughput with, without, ratio | p99 with, without, ratio");
    let mut ratios = Vec::new();
    for pair in 1..=arguments.pairs {
        // Who comes first alternates, so that a machine that gets slower favours neither.
        let (with, bare) = if pair % 2 == 1 {
            let with = mesh.measure(rate, false)?;
            (with, mesh.measure(rate, true)?)
        } else {
            let bare = mesh.measure(rate, true)?;
            (mesh.measure(rate, false)?, bare)
        };
        let throughput = with.throughput / bare.throughput;
        let p99 = with.p99 / bare.p99;
        let doubt = if with.is_conclusive && bare.is_conclusive {
            ""
        } else {
            " (inconclusive: the generator was late)"
        };
        println!(
            "{pair} | {:.1}/s, {:.1}/s, {throughput:.3} | {:.1} ms, {:.1} ms, {p99:.3}{doubt}",
            with.throughput, bare.throughput, with.p99, bare.p99
        );
        ratios.push((throughput, p99));
    }
    let throughput = median(ratios.iter().map(|(throughput, _)| *throughput));
    let p99 = median(ratios.iter().map(|(_, p99)| *p99));
    let met = |is_met| if is_met { "met" } else { "not met" };
    let (least, longest) = GOALS;
    println!(
        "median throughput {throughput:.3}x, goal {least}x: {}",
        met(throughput >= least)
    );
    println!(
        "median p99 {p99:.3}x, goal {longest}x: {}",
        met(p99 <= longest)
    );
    Ok(())
}

/// The mesh and a game day that only puts load on it.
struct Mesh {
    demo: PathBuf,
    game_day: PathBuf,
    out: PathBuf,
}

impl Mesh {
    fn new() -> anyhow::Result<Self> {
        let demo = run::build()?;
        let out = run::root().join("target").join("overhead");
        std::fs::create_dir_all(&out)?;
        let game_day = out.join("game-day.yaml");
        std::fs::write(&game_day, load_alone(&run::root())?)?;
        Ok(Self {
            demo,
            game_day,
            out,
        })
    }

    /// The last rate that the bare mesh holds.
    fn saturation(&self) -> anyhow::Result<u32> {
        let (from, step, to) = SEARCH;
        let mut held = None;
        for rate in (from..=to).step_by(step as usize) {
            let figures = self.measure(rate, true)?;
            println!("bare at {rate}/s: p99 {:.1} ms", figures.p99);
            if !figures.is_conclusive || figures.p99 > SATURATED {
                break;
            }
            held = Some(rate);
        }
        match held {
            Some(rate) => Ok(rate),
            None => bail!("the bare mesh does not hold {from}/s on this machine"),
        }
    }

    fn measure(&self, rate: u32, bare: bool) -> anyhow::Result<Figures> {
        let mut words = vec![
            self.game_day.display().to_string(),
            "--no-faults".to_owned(),
            "--rate".to_owned(),
            rate.to_string(),
        ];
        if bare {
            words.push("--bare".to_owned());
        }
        let outcome = run::game_day(&self.demo, &self.out.join("run"), &words, &NO_HEDGES)?;
        Ok(figures(&outcome))
    }
}

fn figures(outcome: &Outcome) -> Figures {
    let usable = outcome.number("/total/requests") * outcome.number("/total/yield");
    Figures {
        throughput: usable / (outcome.number("/loadEndedMicros") / 1e6),
        p99: outcome.number("/total/latency/p99"),
        is_conclusive: outcome.word() != "inconclusive",
    }
}

/// The load of the single kills without the kills.
fn load_alone(root: &Path) -> anyhow::Result<String> {
    let path = root.join("game-days").join("single-kills.yaml");
    let text = std::fs::read_to_string(&path)?;
    let parts = || {
        let (before, rest) = text.split_once("  timeline:\n")?;
        let (_, after) = rest.split_once("\n  guards:")?;
        Some((before, after))
    };
    let (before, after) = parts()
        .with_context(|| format!("expected a time line and then guards in {}", path.display()))?;
    let line = format!("  timeline:\n    duration: {SECONDS}s\n    faults: []\n");
    Ok(format!("{before}{line}\n  guards:{after}"))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}
