//! The plan of a game day.

use std::fmt::Write as _;

use serde::Serialize;

use super::{PlanOutput, json};
use crate::journal::{PlannedFault, ServiceLayout};
use crate::plan;
use crate::schema::GameDay;

/// The plan in the form that is asked for; times are microseconds since the load begins.
pub(super) fn text(
    game_day: &GameDay,
    services: &[ServiceLayout],
    seed: u64,
    output: PlanOutput,
) -> Result<String, String> {
    let faults = plan::plan(game_day, services, seed);
    let document = PlanDocument {
        game_day: &game_day.metadata.name,
        seed,
        faults: &faults,
    };
    match output {
        PlanOutput::Table => Ok(table(&document)),
        PlanOutput::Yaml => Ok(yaml(&document)),
        PlanOutput::Json => json(&document),
    }
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
