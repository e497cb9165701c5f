//! One kill of a pod by a fault, on the path of the agent.

use std::time::Duration;

use tokio::time::sleep;

use super::roster::{Attempted, Victim};
use super::target::Core;
use crate::agent::Rules;
use crate::schema::{KillMethod, KillOutcome};
use crate::target::kubernetes::{Told, Wanted, find};

/// How often a pod is tried that changes while it starts.
const TRIES: u32 = 5;

/// How long is waited before it is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// What a fault means with a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meant {
    /// It is killed once.
    Kill,
    /// It is one of a service that is kept down.
    Outage,
}

/// Kills a pod, and says why if it was not.
pub(super) async fn kill(
    core: &Core,
    victim: &Victim,
    meant: Meant,
) -> (Attempted, Option<String>) {
    match meant {
        Meant::Kill => once(core, &core.rules, victim).await.into(),
        // The cluster refuses what names another version of the pod, and one that starts has a new
        // one every other moment.
        Meant::Outage => {
            let mut tries = 1;
            loop {
                let done = once(core, &core.outage_rules, victim).await;
                if !matches!(done, Done::NotNow(_)) || tries == TRIES {
                    return done.into();
                }
                tries += 1;
                sleep(PAUSE).await;
            }
        }
    }
}

/// What became of one attempt.
enum Done {
    Killed(&'static str),
    /// It is gone already.
    Gone,
    /// It lives, and another attempt would end in the same way.
    Never(String),
    /// It lives, and another attempt may do better.
    NotNow(String),
    /// Nobody knows.
    Unknown(String),
}

impl From<Done> for (Attempted, Option<String>) {
    fn from(done: Done) -> Self {
        match done {
            Done::Killed(how) => (Attempted::Killed(how), None),
            Done::Gone => (Attempted::Spared, None),
            Done::Never(why) | Done::NotNow(why) => (Attempted::Spared, Some(why)),
            Done::Unknown(why) => (Attempted::Unknown, Some(why)),
        }
    }
}

async fn once(core: &Core, rules: &Rules, victim: &Victim) -> Done {
    let name = format!("{}/{}", victim.namespace, victim.pod);
    let found = match find::pod(&core.killer.connection, &name).await {
        Ok(found) if found.pod.uid == victim.uid => found,
        Ok(_) | Err(find::NotFound::NoPod(_)) => return Done::Gone,
        Err(find::NotFound::Cluster(error)) => return Done::NotNow(error.to_string()),
    };
    let owner = match found.owner() {
        Ok(owner) => owner,
        Err(why) => return Done::Never(why),
    };
    let (occasion, kill) = core.occasion(&victim.fault, owner);
    let wanted = Wanted {
        owner,
        pod_uid: &found.pod.uid,
        occasion: &occasion,
        kill,
    };
    let leads = || core.conductor.leads();
    let told = core.killer.kill(rules, &wanted, &leads).await;
    if let Ok(told) = &told {
        core.conductor.told(&wanted.kill, owner, &found.pod, told);
    }
    match told {
        Ok(Told::Vetoed(veto)) => Done::Never(veto.to_string()),
        Ok(Told::WouldKill) => Done::Never(format!(
            "this is a dry run, and pod {} would have been killed",
            victim.pod
        )),
        Ok(Told::OnRecord) => Done::Never("it is on record already".to_owned()),
        Ok(Told::Done { outcome, reason }) => {
            let reason = reason.unwrap_or_else(|| "the cluster does not say why".to_owned());
            match outcome {
                KillOutcome::Killed => Done::Killed(word(rules.method())),
                KillOutcome::Refused | KillOutcome::NotSent => Done::NotNow(reason),
                KillOutcome::Unknown => Done::Unknown(reason),
            }
        }
        Err(error) => Done::NotNow(error.to_string()),
    }
}

/// How a pod ended by a method.
const fn word(method: KillMethod) -> &'static str {
    match method {
        KillMethod::Evict => "was evicted",
        KillMethod::Delete(_) => "was deleted",
        KillMethod::DeleteNow => "was deleted at once",
    }
}
