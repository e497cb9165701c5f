//! Aplomb's own chores: what is measured for a release, with the commands that measured it.

mod bench;
mod capacity;
mod charts;
mod e2e;
mod footprint;
mod images;
mod lines;
mod overhead;
mod performance;
mod postgres;
mod run;
mod scale;
mod seeds;

use clap::{Parser, Subcommand};

/// Aplomb's own chores
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The middleware beside its peers, in nanoseconds and allocations
    Bench(bench::Arguments),
    /// Run a game day with one seed after the other; all must pass
    Seeds(seeds::Arguments),
    /// Raise the rate without faults until p99 passes 250 ms
    Capacity(capacity::Arguments),
    /// Throughput and p99 of the mesh with and without the middleware, in pairs
    Overhead(overhead::Arguments),
    /// Start-up time and memory of each service
    Footprint(footprint::Arguments),
    /// The agent on a real cluster
    E2e(e2e::Arguments),
    /// Memory and speed of the agent beside many pods
    Scale(scale::Arguments),
    /// The programs as image archives, without Docker
    Images(images::Arguments),
    /// The suite of the stores on a PostgreSQL of its own, which is thrown away
    Postgres(postgres::Arguments),
    /// Make anew what charts have from the programs and from their own values
    Charts(charts::Arguments),
    /// Lines of code per crate, tests apart
    Lines,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Seeds(arguments) => seeds::run(&arguments),
        Command::Capacity(arguments) => capacity::run(&arguments),
        Command::Overhead(arguments) => overhead::run(&arguments),
        Command::Footprint(arguments) => footprint::run(&arguments),
        Command::E2e(arguments) => e2e::run(&arguments),
        Command::Scale(arguments) => scale::run(&arguments),
        Command::Images(arguments) => images::run(&arguments),
        Command::Postgres(arguments) => postgres::run(&arguments),
        Command::Charts(arguments) => charts::run(&arguments),
        Command::Lines => lines::run(),
    }
}
