//! `chaos-monkey kill`.

use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, sleep};

use super::arguments::confirmed;
use super::by_hand::{catch_up, say_undelivered};
use super::{ClusterArguments, in_runtime_or_say};
use crate::cli::{SettingsArguments, print};
use crate::exit::Exit;
use crate::schema::KillOutcome;
use crate::target::kubernetes::agent::HandTeller;
use crate::target::kubernetes::recovery::{Known, Standing, follow};
use crate::target::kubernetes::{
    BY_HAND, ClusterError, Killer, Leads, LedgerStore, Records, Told, Wanted, find,
};

/// How often the owner of a victim is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Kills a pod, through all filters and guards of an agent
#[derive(Debug, Args)]
#[command(
    long_about = "Kills a pod, through all filters and guards of an agent, with a record as the \
                  agent writes it. Without --no-dry-run nothing is sent and nothing is \
                  written:\n\n  \
                  chaos-monkey kill shop/web-5d8f-x2x\n  \
                  chaos-monkey kill shop/web-5d8f-x2x --no-dry-run"
)]
pub struct KillArguments {
    /// The pod: NAMESPACE/POD, or POD in the namespace of the context
    #[arg(value_name = "POD")]
    pub pod: String,

    /// By which settings
    #[command(flatten)]
    pub settings: SettingsArguments,

    /// In which cluster
    #[command(flatten)]
    pub cluster: ClusterArguments,

    /// Really kill it
    #[arg(long)]
    pub no_dry_run: bool,

    /// Do not ask
    #[arg(long)]
    pub yes: bool,

    /// Do not wait until the owner is whole again
    #[arg(long)]
    pub no_wait: bool,
}

pub(super) fn execute(arguments: &KillArguments) -> Exit {
    in_runtime_or_say(kill(arguments))
}

async fn kill(arguments: &KillArguments) -> Result<Exit, String> {
    let connection = arguments.cluster.open().await?;
    let settings = arguments
        .cluster
        .settings(&arguments.settings, &connection)
        .await?;
    let (context, pod) = (connection.context.clone(), &arguments.pod);
    eprintln!(
        "context `{context}`, by the settings of `{}`",
        settings.name
    );
    let found = find::pod(&connection, pod)
        .await
        .map_err(|error| format!("error: {error}"))?;
    let owner = found.owner().map_err(|why| format!("error: {why}"))?;
    let is_dry_run = !arguments.no_dry_run;
    if !is_dry_run {
        let question = format!("Kill {} in the context `{context}`?", found.shown());
        if !confirmed(&question, arguments.yes)? {
            eprintln!("nothing was killed");
            return Ok(Exit::Aborted);
        }
    }
    let killer = Killer {
        connection,
        namespace: arguments.cluster.agent_namespace.clone(),
        agent: BY_HAND.to_owned(),
        is_dry_run,
    };
    if !is_dry_run {
        catch_up(&killer.connection, &killer.namespace).await;
    }
    let occasion = find::occasion_by_hand(owner);
    let wanted = Wanted {
        owner,
        pod_uid: &found.pod.uid,
        kill: format!("{occasion}-0"),
        occasion: &occasion,
    };
    let told = killer
        .kill(&settings.rules, &wanted, &|| Leads::NotNeeded)
        .await;
    let told = told.map_err(|error| format!("error: nothing was killed: {error}"))?;
    let teller = HandTeller::new(&killer.connection, settings.rules.webhooks());
    let teller = teller.map_err(|error| format!("error: {error}"))?;
    teller.told(owner, &found.pod, &told);
    let (text, exit) = match told {
        Told::Vetoed(veto) => (format!("not killed: {veto}\n"), Exit::Failed),
        Told::WouldKill => (
            format!("{} would be killed; --no-dry-run kills it\n", found.shown()),
            Exit::Passed,
        ),
        Told::OnRecord => ("it is on record already\n".to_owned(), Exit::Failed),
        Told::Done { outcome, reason } => {
            let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
            let exit = match outcome {
                KillOutcome::Killed => Exit::Passed,
                KillOutcome::Refused | KillOutcome::NotSent => Exit::Failed,
                KillOutcome::Unknown => Exit::Inconclusive,
            };
            let text = format!("{} {}{reason}\n", found.shown(), outcome.as_str());
            (text, exit)
        }
    };
    let printed = print(text.as_bytes(), std::io::stdout());
    if exit != Exit::Passed || is_dry_run || arguments.no_wait {
        say_undelivered(&teller).await;
        return Ok(printed.max(exit));
    }
    let recovery = settings.rules.recovery();
    let limit = recovery.limit;
    let whole = whole(&killer, &wanted.kill, limit.get()).await;
    let exit = match &whole {
        Ok(Waited::Whole { seconds, seen_by }) => {
            if *seen_by == SeenBy::Us {
                teller.is_whole(owner, &found.pod, *seconds);
            }
            let text = format!("{owner} is whole again after {seconds:.1} s\n");
            print(text.as_bytes(), std::io::stdout())
        }
        Ok(Waited::TooLong) => {
            let text = format!("{owner} is not whole within {limit}\n");
            let printed = print(text.as_bytes(), std::io::stdout());
            let told = teller.is_late(&killer, recovery, owner, &found.pod).await;
            if let Err(error) = told {
                eprintln!("error: killing is not halted: {error}");
            }
            printed.max(Exit::Failed)
        }
        Err(_) => Exit::Inconclusive,
    };
    say_undelivered(&teller).await;
    if let Err(error) = whole {
        eprintln!("{error}");
    }
    Ok(exit)
}

/// What came of waiting for an owner.
enum Waited {
    /// It is whole again.
    Whole {
        /// Seconds since the kill.
        seconds: f64,
        /// Who has seen it, and tells of it.
        seen_by: SeenBy,
    },
    /// It is not.
    TooLong,
}

#[derive(PartialEq, Eq)]
enum SeenBy {
    Us,
    TheAgent,
}

/// Follows a kill until its owner is whole again, or that takes too long.
async fn whole(killer: &Killer, kill: &str, limit: Duration) -> Result<Waited, String> {
    let said = |error: ClusterError| format!("error: what came of it is not known: {error}");
    let store = LedgerStore::new(killer.connection.client.clone(), &killer.namespace);
    let begin = Instant::now();
    let end = begin + limit;
    while Instant::now() < end {
        let ledger = store.get().await.map_err(said)?;
        let kills = ledger.iter().flat_map(|it| &it.spec().kills);
        let entry = kills.into_iter().find(|entry| entry.kill == kill);
        // The agent follows it, too, and may have been faster.
        let Some(entry) = entry.filter(|entry| !entry.is_whole) else {
            let seconds = seconds_on_record(killer, kill).await.map_err(said)?;
            let seen_by = SeenBy::TheAgent;
            return Ok(seconds.map_or(Waited::TooLong, |seconds| Waited::Whole {
                seconds,
                seen_by,
            }));
        };
        let known = Known {
            since: begin,
            is_first_look: false,
        };
        let standing = follow(&killer.connection, &killer.namespace, entry, known).await;
        if let Standing::Whole { seconds } = standing.map_err(said)? {
            let seen_by = SeenBy::Us;
            return Ok(Waited::Whole { seconds, seen_by });
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(Waited::TooLong)
}

async fn seconds_on_record(killer: &Killer, kill: &str) -> Result<Option<f64>, ClusterError> {
    let records = Records::new(killer.connection.client.clone(), &killer.namespace);
    let after = records
        .get(kill)
        .await?
        .status
        .and_then(|status| status.whole_after);
    let text = after.unwrap_or_default();
    Ok(text
        .trim_start_matches('<')
        .trim_end_matches('s')
        .parse()
        .ok())
}
