//! The plan of an agent: a calendar of kills.

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::{PlanArguments, PlanOutput, json};
use crate::agent::plan::{PlannedKill, plan, shown};
use crate::agent::{Rules, snapshot};
use crate::file::Documents;

const DAYS: u32 = 30;

/// The plan in the form that is asked for.
pub(super) fn text(
    documents: &Documents,
    snapshot: &Path,
    arguments: &PlanArguments,
) -> Result<String, String> {
    let agent = documents
        .agent(arguments.name.as_deref())
        .map_err(|mistake| mistake.to_string())?;
    // The file was checked with the same rules, so that there is nothing left to be said.
    let rules = Rules::of(&agent.spec).map_err(|refused| format!("{refused:?}"))?;
    let cluster = snapshot::open(snapshot).map_err(|error| error.to_string())?;
    let today = || {
        Timestamp::now()
            .to_zoned(rules.calendar().zone().clone())
            .date()
    };
    let first = arguments.from.unwrap_or_else(today);
    let days = arguments.days.unwrap_or(DAYS);
    let kills = plan(&cluster, &rules, arguments.seed, first, days);
    let document = PlanDocument {
        agent: &agent.metadata.name,
        seed: arguments.seed,
        from: first,
        days,
        time_zone: &agent.spec.schedule.time_zone,
        kills: &kills,
    };
    match arguments.output {
        PlanOutput::Table => Ok(table(&document)),
        PlanOutput::Yaml => Ok(yaml(&document)),
        PlanOutput::Json => json(&document),
    }
}

/// A plan as a document.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanDocument<'plan> {
    agent: &'plan str,
    seed: u64,
    from: Date,
    days: u32,
    time_zone: &'plan str,
    kills: &'plan [PlannedKill],
}

/// One line for each kill. All texts in it are names, which JSON and YAML write alike.
fn yaml(document: &PlanDocument<'_>) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut text = format!(
        "agent: {}\nseed: {}\nfrom: {}\ndays: {}\ntimeZone: {}\nkills:{}\n",
        quoted(document.agent),
        document.seed,
        quoted(&document.from.to_string()),
        document.days,
        quoted(document.time_zone),
        if document.kills.is_empty() { " []" } else { "" },
    );
    for kill in document.kills {
        let pods: Vec<String> = kill.pods.iter().map(|pod| quoted(pod)).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "  - at: {}\n    owner: {{namespace: {}, kind: {}, name: {}}}\n    pods: [{}]",
            quoted(&shown(&kill.at).to_string()),
            quoted(&kill.owner.namespace),
            kill.owner.kind.as_str(),
            quoted(&kill.owner.name),
            pods.join(", "),
        );
    }
    text
}

/// What the plan is of, then one line for each kill.
fn table(document: &PlanDocument<'_>) -> String {
    let PlanDocument {
        agent,
        seed,
        from,
        days,
        time_zone,
        kills,
    } = document;
    let mut text = format!("{agent}, seed {seed}, {days} days from {from} on, {time_zone}\n");
    let width = kills.iter().map(|kill| kill.owner.to_string().len()).max();
    for kill in *kills {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}  {:width$}  {}",
            kill.at.strftime("%a %F %H:%M %:z"),
            kill.owner.to_string(),
            kill.pods.join(", "),
            width = width.unwrap_or_default(),
        );
    }
    let plural = if kills.len() == 1 { "" } else { "s" };
    let _ = writeln!(
        text,
        "{} kill{plural}; guards may still forbid any of them",
        kills.len()
    );
    text
}
