//! `chaos-monkey explain`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

#[cfg(feature = "kubernetes")]
use super::cluster::ClusterArguments;
use super::{Settings, SettingsArguments, print};
use crate::agent::check::{self, Check};
use crate::agent::cluster::Owner;
use crate::agent::filter::Candidate;
use crate::agent::snapshot;
use crate::exit::Exit;

/// Says of a pod whether it would be killed, and why
#[derive(Debug, Args)]
#[command(
    long_about = "Says of a pod whether an agent would kill it if it were due now: every filter \
                  and every guard, passed or not, and why.\n\n  \
                  chaos-monkey explain shop/web-5d8f-x2x\n\n\
                  With a snapshot it needs no cluster, and the filters alone are asked:\n\n  \
                  chaos-monkey explain shop/web-5d8f-x2x agent.yaml --snapshot cluster.json"
)]
pub struct ExplainArguments {
    /// The pod: NAMESPACE/POD, or POD where only one namespace has it
    #[arg(value_name = "POD")]
    pub pod: String,

    /// By which settings
    #[command(flatten)]
    pub settings: SettingsArguments,

    /// In which cluster
    #[cfg(feature = "kubernetes")]
    #[command(flatten)]
    pub cluster: ClusterArguments,

    /// What is in the cluster, as kubectl prints it
    #[arg(long, value_name = "FILE")]
    pub snapshot: Option<PathBuf>,

    /// For a snapshot: the moment, such as 2026-03-23T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME", requires = "snapshot")]
    pub at: Option<Timestamp>,
}

pub(super) fn execute(arguments: &ExplainArguments) -> Exit {
    let text = match &arguments.snapshot {
        Some(snapshot) => of_snapshot(arguments, snapshot),
        None => of_cluster(arguments),
    };
    match text {
        Ok(text) => print(text.as_bytes(), std::io::stdout()),
        Err(error) => {
            eprintln!("{error}");
            Exit::Usage
        }
    }
}

fn of_snapshot(arguments: &ExplainArguments, path: &std::path::Path) -> Result<String, String> {
    let said = |error: &dyn std::fmt::Display| format!("error: {error}");
    let settings = arguments.settings.read()?;
    let cluster = snapshot::open(path).map_err(|error| said(&error))?;
    let pod = cluster.pod(&arguments.pod).map_err(|error| said(&error))?;
    let now = arguments.at.unwrap_or_else(Timestamp::now);
    let candidate = Candidate::of(pod, &cluster, now);
    let pod = format!("{}/{} {}", pod.namespace, pod.name, of(&pod.owner));
    let checks = check::filters(&settings.rules, &candidate);
    let mut text = explained(
        &pod,
        &checks,
        "can be a victim",
        "is never a victim as it is",
    );
    let calendar = settings.rules.calendar();
    let zone = calendar.zone().iana_name().unwrap_or("UTC");
    let is_open = if calendar.is_open(now) {
        "within"
    } else {
        "outside of"
    };
    let at = now.to_zoned(calendar.zone().clone());
    let at = at.strftime("%a %F %H:%M %:z");
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "  {at} is {is_open} the hours of the schedule ({zone})"
    );
    let _ = writeln!(text, "{}", by(&settings));
    Ok(text)
}

#[cfg(feature = "kubernetes")]
fn of_cluster(arguments: &ExplainArguments) -> Result<String, String> {
    use crate::target::kubernetes::{Killer, find};

    let explanation = async {
        let connection = arguments.cluster.open().await?;
        let settings = arguments
            .cluster
            .settings(&arguments.settings, &connection)
            .await?;
        let found = find::pod(&connection, &arguments.pod).await;
        let found = found.map_err(|error| format!("error: {error}"))?;
        let context = connection.context.clone();
        let by = format!("{}, context `{context}`", by(&settings));
        let Ok(owner) = found.owner() else {
            // Without an owner there is nothing that guards could be asked about.
            let checks = check::filters(&settings.rules, &found.candidate());
            let pod = format!("{} {}", found.shown(), of(&found.pod.owner));
            let text = explained(&pod, &checks, "can be a victim", "is never a victim");
            return Ok(format!("{text}{by}\n"));
        };
        let killer = Killer {
            connection,
            namespace: arguments.cluster.agent_namespace.clone(),
            agent: settings.name.clone(),
            is_dry_run: true,
        };
        let explained_by = killer.explain(&settings.rules, &found, owner).await;
        let (checks, leader) = explained_by.map_err(|error| format!("error: {error}"))?;
        let by = match leader {
            Some(leader) => format!("{by}; the copy `{leader}` leads"),
            None => by,
        };
        let pod = format!("{} {}", found.shown(), of(&found.pod.owner));
        let yes = if settings.spec.dry_run {
            "would be told as a victim if it were due now, for it is a dry run"
        } else {
            "would be killed if it were due now"
        };
        let text = explained(&pod, &checks, yes, "would not be killed now");
        Ok(format!("{text}{by}\n"))
    };
    super::in_runtime(explanation).map_err(|error| format!("error: cannot start: {error}"))?
}

#[cfg(not(feature = "kubernetes"))]
fn of_cluster(_: &ExplainArguments) -> Result<String, String> {
    Err("error: give a --snapshot: this build cannot talk to a cluster".to_owned())
}

/// Whose pod it is.
fn of(owner: &Owner) -> String {
    match owner {
        Owner::Known(owner) => format!("of {} {}", owner.kind.as_str(), owner.name),
        Owner::Unknown(what) => format!("of {what}"),
        Owner::Nobody => "of nobody".to_owned(),
    }
}

/// The pod, then one line for each filter and guard.
fn explained(pod: &str, checks: &[Check], yes: &str, no: &str) -> String {
    let is_yes = checks.iter().all(|check| check.refusal.is_none());
    let mut text = format!("{pod} {}\n", if is_yes { yes } else { no });
    for Check { name, refusal } in checks {
        // Writing to a string cannot fail.
        let _ = match refusal {
            None => writeln!(text, "  ✓ {name}"),
            Some(reason) => writeln!(text, "  ✗ {name}: {reason}"),
        };
    }
    text
}

fn by(settings: &Settings) -> String {
    format!("by the settings of `{}`", settings.name)
}
