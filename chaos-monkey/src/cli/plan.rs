//! `chaos-monkey plan`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{print, read};
use crate::exit::Exit;
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
    /// For programs; times in microseconds since the load begins
    Json,
    /// The same as YAML
    Yaml,
}

pub(super) fn execute(arguments: &PlanArguments) -> Exit {
    let (game_day, system) = match read(&arguments.files, arguments.name.as_deref()) {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    let faults = plan::plan(&game_day, &plan::snapshot(&system), arguments.seed);
    let document = PlanDocument {
        game_day: &game_day.metadata.name,
        seed: arguments.seed,
        faults: &faults,
    };
    let text = match arguments.output {
        PlanOutput::Table => table(&document),
        PlanOutput::Yaml => yaml(&document),
        PlanOutput::Json => match serde_json::to_string_pretty(&document) {
            Ok(text) => text + "\n",
            Err(error) => {
                eprintln!("error: the plan cannot be written as JSON: {error}");
                return Exit::Internal;
            }
        },
    };
    print(text.as_bytes(), std::io::stdout())
}

/// A plan as a document.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanDocument<'plan> {
    game_day: &'plan str,
    seed: u64,
    faults: &'plan [PlannedFault],
}

/// One key per line. All texts in it are names, which JSON and YAML write alike.
fn yaml(document: &PlanDocument<'_>) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut text = format!(
        "gameDay: {}\nseed: {}\nfaults:{}\n",
        quoted(document.game_day),
        document.seed,
        if document.faults.is_empty() {
            " []"
        } else {
            ""
        },
    );
    for fault in document.faults {
        let victims: Vec<String> = fault
            .victims
            .iter()
            .map(|one| {
                format!(
                    "{{service: {}, replica: {}}}",
                    quoted(&one.service),
                    one.replica
                )
            })
            .collect();
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "  - id: {}\n    at: {}\n    kind: {}\n    victims: [{}]\n    lasts: {}\n    \
             allowOutage: {}\n",
            quoted(&fault.id),
            fault.at,
            quoted(&fault.kind),
            victims.join(", "),
            fault.lasts,
            fault.allow_outage,
        );
    }
    text
}

/// What the plan is of, then one line per fault.
fn table(document: &PlanDocument<'_>) -> String {
    let mut text = format!(
        "{}, seed {}\n{:>9}  {:24} {:7} victims\n",
        document.game_day, document.seed, "at", "fault", "kind"
    );
    for fault in document.faults {
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
