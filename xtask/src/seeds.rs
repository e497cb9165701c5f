//! One seed after the other.

use std::collections::BTreeSet;

use anyhow::ensure;
use serde_json::Value;

use crate::run::{self, Outcome};

/// Which game day, and which seeds.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The game day
    #[arg(default_value = "default")]
    game_day: String,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// How many seeds
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=100))]
    count: u64,
    /// Switch the middleware off; then all must fail
    #[arg(long)]
    bare: bool,
}

/// Runs them all, and fails if one does not come out as it must.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let demo = run::build()?;
    let wanted = if arguments.bare { "failed" } else { "passed" };
    println!(
        "| seed | outcome | requests | yield | first attempt | harvest | p99 ms | services killed |"
    );
    println!("|--:|---|--:|--:|--:|--:|--:|--:|");
    let mut wrong = Vec::new();
    for seed in arguments.first..arguments.first.saturating_add(arguments.count) {
        let out = run::root()
            .join("target")
            .join("seeds")
            .join(seed.to_string());
        let mut words = vec![
            arguments.game_day.clone(),
            "--seed".to_owned(),
            seed.to_string(),
        ];
        if arguments.bare {
            words.push("--bare".to_owned());
        }
        let outcome = run::game_day(&demo, &out, &words, &[])?;
        println!(
            "| {seed} | {} | {} | {:.3} % | {:.3} % | {:.2} % | {:.1} | {} |",
            outcome.word(),
            outcome.number("/total/requests"),
            100.0 * outcome.number("/total/yield"),
            100.0 * outcome.number("/total/firstAttemptYield"),
            100.0 * outcome.number("/total/harvest"),
            outcome.number("/total/latency/p99"),
            services_killed(&outcome),
        );
        if outcome.word() != wanted {
            wrong.push(seed);
        }
    }
    ensure!(wrong.is_empty(), "these seeds have not {wanted}: {wrong:?}");
    Ok(())
}

/// How many services lost an instance to a single kill.
fn services_killed(outcome: &Outcome) -> usize {
    let faults = outcome.get("/faults").and_then(Value::as_array);
    let killed: BTreeSet<&str> = faults
        .into_iter()
        .flatten()
        .filter(|fault| fault["kind"] == "kill" && fault["beganMicros"].is_number())
        .filter_map(|fault| fault["victims"].as_array())
        .flatten()
        .filter_map(|victim| victim["service"].as_str())
        .collect();
    killed.len()
}
