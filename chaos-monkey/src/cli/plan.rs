//! `chaos-monkey plan`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::print;
use crate::exit::Exit;
use crate::file;
use crate::journal::PlannedFault;
use crate::plan;

/// Prints what a game day would break, and when
#[derive(Debug, Args)]
#[command(
    long_about = "Prints what a game day would break, and when. The same files and the same seed \
                  give the same plan, byte for byte; guards look at it only when it is carried \
                  out:\n\n  \
                  chaos-monkey plan my-game-day.yaml --seed 7"
)]
pub struct PlanArguments {
    /// The files: one game day and its system, in one file or in several
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Which game day, if the files hold several
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// The form
    #[arg(long, value_enum, default_value_t = PlanOutput::Table)]
    pub output: PlanOutput,
}

/// A form of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanOutput {
    /// For people
    Table,
    /// For programs
    Json,
}

pub(super) fn execute(arguments: &PlanArguments) -> Exit {
    let documents = match file::load(&arguments.files) {
        Ok(documents) => documents,
        Err(mistakes) => {
            eprintln!("{mistakes:#}");
            return Exit::Usage;
        }
    };
    let (game_day, system) = match documents.game_day(arguments.name.as_deref()) {
        Ok(found) => found,
        Err(mistake) => {
            eprintln!("error: {mistake}");
            return Exit::Usage;
        }
    };
    let planned = plan::plan(game_day, &plan::snapshot(system), arguments.seed);
    let text = match arguments.output {
        PlanOutput::Table => table(&planned),
        PlanOutput::Json => match serde_json::to_string_pretty(&planned) {
            Ok(text) => text + "\n",
            Err(error) => {
                eprintln!("error: the plan cannot be written as JSON: {error}");
                return Exit::Internal;
            }
        },
    };
    print(text.as_bytes(), std::io::stdout())
}

/// One line per fault.
fn table(planned: &[PlannedFault]) -> String {
    let mut text = format!("{:>9}  {:24} {:7} victims\n", "at", "fault", "kind");
    for fault in planned {
        let victims: Vec<String> = fault.victims.iter().map(ToString::to_string).collect();
        let lasts = match fault.lasts {
            0 => String::new(),
            micros => format!(" for {:.3} s", micros as f64 / 1e6),
        };
        let at = fault.at as f64 / 1e6;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{at:7.3} s  {:24} {:7} {}{lasts}",
            fault.id,
            fault.kind,
            victims.join(", ")
        );
    }
    text
}
