//! The plan of an agent: a calendar of kills.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::{PlanArguments, PlanOutput, json};
use crate::agent::cluster::Cluster;
use crate::agent::plan::{PlannedKill, plan, shown};
use crate::agent::snapshot;
use crate::cli::Settings;
#[cfg(feature = "kubernetes")]
use crate::cli::in_runtime;

const DAYS: u32 = 30;

/// The plan in the form that is asked for.
pub(super) fn text(arguments: &PlanArguments) -> Result<String, String> {
    let (settings, cluster) = match &arguments.snapshot {
        Some(snapshot) => {
            let cluster = snapshot::open(snapshot).map_err(|error| format!("error: {error}"))?;
            (arguments.settings.read()?, cluster)
        }
        None => of_cluster(arguments)?,
    };
    let rules = &settings.rules;
    let today = || {
        Timestamp::now()
            .to_zoned(rules.calendar().zone().clone())
            .date()
    };
    let first = arguments.from.unwrap_or_else(today);
    let days = arguments.days.unwrap_or(DAYS);
    let seed = arguments.seed.or(settings.seed).unwrap_or(super::SEED);
    let kills = plan(&cluster, rules, seed, first, days);
    let document = PlanDocument {
        agent: &settings.name,
        seed,
        from: first,
        days,
        time_zone: &settings.spec.schedule.time_zone,
        kills: &kills,
    };
    match arguments.output {
        PlanOutput::Table => Ok(table(&document)),
        PlanOutput::Yaml => Ok(yaml(&document)),
        PlanOutput::Json => json(&document),
    }
}

#[cfg(feature = "kubernetes")]
fn of_cluster(arguments: &PlanArguments) -> Result<(Settings, Cluster), String> {
    let read = async {
        let connection = arguments.cluster.open().await?;
        let settings = arguments
            .cluster
            .settings(&arguments.settings, &connection)
            .await?;
        let client = &connection.client;
        let cluster = crate::target::kubernetes::snapshot::read(client, &settings.rules).await;
        Ok((
            settings,
            cluster.map_err(|error| format!("error: {error}"))?,
        ))
    };
    in_runtime(read).map_err(|error| format!("error: cannot start: {error}"))?
}

#[cfg(not(feature = "kubernetes"))]
fn of_cluster(_: &PlanArguments) -> Result<(Settings, Cluster), String> {
    Err("error: give a --snapshot: this build cannot talk to a cluster".to_owned())
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
            kill.at.strftime("%a %F %T %:z"),
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
