//! The plan of an agent: a calendar of kills.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::{PlanArguments, PlanOutput, json};
use crate::agent::cluster::Cluster;
use crate::agent::plan::{PlannedKill, plan_after, shown};
use crate::agent::snapshot;
use crate::cli::Settings;
#[cfg(feature = "kubernetes")]
use crate::cli::in_runtime;
use crate::schema::KillLedgerSpec;

const DAYS: u32 = 30;

/// What a plan is made of.
struct Known {
    settings: Settings,
    cluster: Cluster,
    /// What the ledger of the cluster holds, if there is one.
    ledger: KillLedgerSpec,
}

/// The plan in the form that is asked for.
pub(super) fn text(arguments: &PlanArguments) -> Result<String, String> {
    let known = match &arguments.snapshot {
        Some(snapshot) => Known {
            cluster: snapshot::open(snapshot).map_err(|error| format!("error: {error}"))?,
            settings: arguments.settings.read()?,
            ledger: KillLedgerSpec::default(),
        },
        None => of_cluster(arguments)?,
    };
    let Known {
        settings,
        cluster,
        ledger,
    } = &known;
    let rules = &settings.rules;
    let today = || {
        Timestamp::now()
            .to_zoned(rules.calendar().zone().clone())
            .date()
    };
    let first = arguments.from.unwrap_or_else(today);
    let days = arguments.days.unwrap_or(DAYS);
    let seed = arguments.seed.or_else(|| seed(settings, ledger));
    let seed = seed.unwrap_or_else(|| {
        let (name, seed) = (&settings.name, super::SEED);
        eprintln!(
            "warning: the seed {seed} stands in, for neither the settings of `{name}` nor an agent \
             that runs has one: an agent would draw its own, and kill otherwise; give --seed, or \
             spec.seed to both"
        );
        seed
    });
    let kills = plan_after(&ledger.kills, cluster, rules, seed, first, days);
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

/// The seed of settings; where they have none that of the agent of their name, which has kept the
/// one that it has drawn.
fn seed(settings: &Settings, ledger: &KillLedgerSpec) -> Option<u64> {
    let of_agent = ledger.agents.get(&settings.name).map(|agent| agent.seed);
    settings.seed.or(of_agent)
}

#[cfg(feature = "kubernetes")]
fn of_cluster(arguments: &PlanArguments) -> Result<Known, String> {
    use crate::target::kubernetes::{LedgerStore, snapshot};

    let read = async {
        let connection = arguments.cluster.open().await?;
        let settings = arguments
            .cluster
            .settings(&arguments.settings, &connection)
            .await?;
        let client = &connection.client;
        let cluster = snapshot::read(client, &settings.rules).await;
        let store = LedgerStore::new(client.clone(), &arguments.cluster.agent_namespace);
        let ledger = store.get().await.unwrap_or_else(|error| {
            eprintln!("warning: earlier kills are not known: {error}");
            None
        });
        Ok(Known {
            settings,
            cluster: cluster.map_err(|error| format!("error: {error}"))?,
            ledger: ledger.map_or_else(KillLedgerSpec::default, |it| it.spec().clone()),
        })
    };
    in_runtime(read).map_err(|error| format!("error: cannot start: {error}"))?
}

#[cfg(not(feature = "kubernetes"))]
fn of_cluster(_: &PlanArguments) -> Result<Known, String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{AgentSpec, PublishedSettings};

    #[test]
    fn without_a_seed_of_its_own_it_is_that_of_the_agent_of_the_same_name() {
        let of = |name: &str, seed| {
            let spec = AgentSpec {
                seed,
                ..AgentSpec::default()
            };
            Settings::of(name.to_owned(), spec, None).unwrap()
        };
        let mut ledger = KillLedgerSpec::default();
        let published = PublishedSettings::of(77, &AgentSpec::default()).unwrap();
        ledger.agents.insert("platform".to_owned(), published);
        assert_eq!(seed(&of("platform", None), &ledger), Some(77));
        assert_eq!(seed(&of("platform", Some(5)), &ledger), Some(5));
        assert_eq!(seed(&of("other", None), &ledger), None);
    }
}
