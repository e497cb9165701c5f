//! One game day, from its beginning to what is said of it.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::store::ReadDay;
use crate::agent::cluster::{OwnerName, Pod};
use crate::engine::{self, EngineError, Finished, GameDayRun, Place};
use crate::schema::{GameDay, GameDayPhase, GameDayStatus, GameDayVerdict, KillOutcome, System};
use crate::target::kubernetes::agent::follow::Follower;
use crate::target::kubernetes::agent::{Going, Shared};
use crate::target::kubernetes::game_day::{Conductor, PodOptions};
use crate::target::kubernetes::{Killer, Leads, Told, find};
use crate::verdict::{Outcome, words};
use crate::view::Output;

/// The seed of everything random in it, that of the command unless somebody gives another one: the
/// same resource has the same victims and the same load.
const SEED: u64 = 1;

/// How many kills and reasons are named: a resource has not room for all.
const NAMED: usize = 100;

/// Why a game day ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Somebody has taken the resource away.
    Deleted,
    /// This copy leads no more.
    LeadsNoMore,
    /// The agent goes by other settings.
    OtherSettings,
    /// Somebody ends the agent.
    AgentEnds,
}

impl Why {
    /// Who or what has ended it, for people.
    pub(super) const fn by(self) -> &'static str {
        match self {
            Self::Deleted => "the end of its resource",
            Self::LeadsNoMore => "a change of the leader",
            Self::OtherSettings => "new settings of the agent",
            Self::AgentEnds => "the end of the agent",
        }
    }

    /// What is concluded: what ends the agent says nothing of the system.
    const fn outcome(self) -> Outcome {
        match self {
            Self::Deleted => Outcome::Aborted,
            Self::LeadsNoMore | Self::OtherSettings | Self::AgentEnds => Outcome::Inconclusive,
        }
    }
}

/// A game day that is about to begin.
pub(super) struct OneRun {
    pub(super) shared: Arc<Shared>,
    pub(super) follower: Arc<Follower>,
    pub(super) going: Going,
    pub(super) read: ReadDay,
    pub(super) game_day: GameDay,
    pub(super) system: System,
    /// The folder for its journal and its report.
    pub(super) out: PathBuf,
}

impl OneRun {
    /// What is said of it while it runs.
    pub(super) fn begins(&self) -> GameDayStatus {
        GameDayStatus {
            phase: Some(GameDayPhase::Running),
            observed_generation: self.read.generation,
            agent: Some(self.shared.name.clone()),
            copy: Some(self.shared.identity.clone()),
            seed: Some(SEED),
            began: Some(Timestamp::now()),
            ..GameDayStatus::default()
        }
    }

    /// Runs it to its end, or until it is told why to end, and gives what is said of it then.
    pub(super) async fn run(
        self,
        begun: GameDayStatus,
        end: watch::Receiver<Option<Why>>,
    ) -> GameDayStatus {
        let kills = Arc::new(Kills::default());
        let Self {
            shared,
            follower,
            going,
            game_day,
            system,
            out,
            ..
        } = self;
        let options = PodOptions {
            killer: Killer {
                connection: shared.connection.clone(),
                namespace: shared.namespace.clone(),
                agent: shared.name.clone(),
                is_dry_run: going.is_dry_run,
            },
            rules: going.rules.as_ref().clone(),
            conductor: Arc::new(Agent {
                shared: Arc::clone(&shared),
                follower,
                kills: Arc::clone(&kills),
            }),
        };
        let dry = if going.is_dry_run { ", dry run" } else { "" };
        let variant = format!("pods in the cluster of the agent `{}`{dry}", shared.name);
        let run = GameDayRun {
            game_day,
            system,
            place: Place::Kubernetes(Box::new(options)),
            seed: SEED,
            out,
            no_faults: false,
            variant: Some(variant),
            output: Output::Quiet,
        };
        let finished = engine::run_until(run, asked(end.clone())).await;
        let why = *end.borrow();
        let mut status = said(finished, why);
        status.kill_count = Some(kills.names.lock().len() as u64);
        status.kills = Some(kills.first());
        GameDayStatus {
            phase: Some(GameDayPhase::Finished),
            observed_generation: begun.observed_generation,
            agent: begun.agent,
            copy: begun.copy,
            seed: begun.seed,
            began: begun.began,
            ended: Some(Timestamp::now()),
            ..status
        }
    }
}

/// Resolves when somebody says why it is to end.
async fn asked(mut end: watch::Receiver<Option<Why>>) -> String {
    match end.wait_for(Option::is_some).await {
        Ok(why) => (*why).map_or_else(String::new, |why| why.by().to_owned()),
        // Nobody is there any more who could say so.
        Err(_) => Why::AgentEnds.by().to_owned(),
    }
}

/// What is said of the end of a game day.
fn said(finished: Result<Finished, EngineError>, why: Option<Why>) -> GameDayStatus {
    let (mut outcome, proof, mut reasons) = match &finished {
        Ok(Finished { verdict, .. }) => {
            let reasons = verdict.reasons.iter().map(|it| it.text.clone());
            let proof = Some(verdict.proof.clone());
            (verdict.outcome, proof, reasons.collect())
        }
        Err(error) => (Outcome::Inconclusive, None, vec![error.to_string()]),
    };
    if let Some(why) = why {
        outcome = why.outcome();
        reasons.insert(0, format!("it was ended by {}", why.by()));
    }
    reasons.truncate(NAMED);
    let total = finished.as_ref().ok().map(|it| it.run.total);
    GameDayStatus {
        reason: reasons.first().cloned(),
        reasons: Some(reasons).filter(|reasons: &Vec<String>| !reasons.is_empty()),
        verdict: Some(GameDayVerdict {
            outcome: outcome.as_str().to_owned(),
            proof,
        }),
        yield_shown: total.and_then(|it| it.yield_ratio).map(words::percent),
        requests: total.map(|it| it.requests),
        ..GameDayStatus::default()
    }
}

/// The records of what was killed, or may have been.
#[derive(Default)]
struct Kills {
    names: Mutex<Vec<String>>,
}

impl Kills {
    fn first(&self) -> Vec<String> {
        self.names.lock().iter().take(NAMED).cloned().collect()
    }
}

/// The agent as it conducts a game day: its kills are told of and followed as all of its kills.
struct Agent {
    shared: Arc<Shared>,
    follower: Arc<Follower>,
    kills: Arc<Kills>,
}

impl Conductor for Agent {
    fn leads(&self) -> Leads {
        self.shared.election.leads()
    }

    fn occasion(&self, owner: &OwnerName) -> String {
        find::occasion_of_game_day(&self.shared.name, owner)
    }

    fn follows_kills(&self) -> bool {
        true
    }

    fn told(&self, kill: &str, owner: &OwnerName, pod: &Pod, told: &Told) {
        self.shared.metrics.told(told);
        self.shared.teller.told(owner, pod, told);
        if let Told::Done { outcome, .. } = told {
            self.follower.look_at_the_ledger();
            if matches!(outcome, KillOutcome::Killed | KillOutcome::Unknown) {
                self.kills.names.lock().push(kill.to_owned());
            }
        }
    }
}
