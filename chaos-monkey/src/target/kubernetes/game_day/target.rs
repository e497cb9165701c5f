//! The pods of a system as a target of faults.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::deed::{self, Meant};
use super::pods::ServicePods;
use super::roster::{Attempted, Roster, Told, Victim};
use super::seen::News;
use super::{Conductor, PodOptions, follow, hold, seen};
use crate::agent::Rules;
use crate::agent::cluster::OwnerName;
use crate::journal::{FaultId, InstanceName, Journal, Record};
use crate::target::kubernetes::Killer;
use crate::target::{Endpoint, InstanceState, InstanceStatus, Target, TargetError};

/// How long kills that are under way may take to end, when their fault ends or all does.
const ENDS_WITHIN: Duration = Duration::from_secs(15);

/// How long the owners of the last victims may take until they are whole again and on record as
/// such, when all ends.
const WHOLE_WITHIN: Duration = Duration::from_secs(15);

/// The pods of a system as a target of faults. Clones stand for the same one; when the last one is
/// dropped nobody follows them any more, and nothing is kept down.
#[derive(Clone)]
pub struct PodTarget {
    core: Arc<Core>,
    tasks: Arc<Mutex<JoinSet<()>>>,
}

/// What everybody shares who has to do with the pods.
pub(super) struct Core {
    pub(super) killer: Killer,
    pub(super) rules: Rules,
    /// The same for a service that is kept down.
    pub(super) outage_rules: Rules,
    pub(super) conductor: Arc<dyn Conductor>,
    pub(super) journal: Journal,
    pub(super) changed: watch::Sender<()>,
    roster: Mutex<Roster>,
    endpoints: BTreeMap<String, Endpoint>,
    /// What a fault kills out of one owner is one occasion, and how many kills it had.
    occasions: Mutex<BTreeMap<(FaultId, OwnerName), (String, u32)>>,
}

impl PodTarget {
    pub(super) fn start(
        options: PodOptions,
        roster: Roster,
        services: Vec<ServicePods>,
        endpoints: BTreeMap<String, Endpoint>,
        journal: Journal,
    ) -> Self {
        let PodOptions {
            killer,
            rules,
            conductor,
        } = options;
        let core = Arc::new(Core {
            outage_rules: rules.for_an_outage(),
            killer,
            rules,
            conductor,
            journal,
            changed: watch::Sender::new(()),
            roster: Mutex::new(roster),
            endpoints,
            occasions: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        for (index, service) in services.into_iter().enumerate() {
            let core = Arc::clone(&core);
            tasks.spawn(async move {
                let client = core.killer.connection.client.clone();
                let ServicePods {
                    binding, version, ..
                } = service;
                let tell = |news| core.learn(index, news);
                seen::follow(&client, &binding, version, tell).await;
            });
        }
        tasks.spawn(hold::keep_down(Arc::clone(&core)));
        if !core.killer.is_dry_run && !core.conductor.follows_kills() {
            tasks.spawn(follow::until_whole(Arc::clone(&core)));
        }
        Self {
            core,
            tasks: Arc::new(Mutex::new(tasks)),
        }
    }
}

impl Core {
    /// Looks at the roster, or changes it: what that tells is journalled, and everybody hears of it.
    pub(super) fn change(&self, change: impl FnOnce(&mut Roster) -> Vec<Told>) {
        // In the order of the changes, so under the lock.
        let mut roster = self.roster.lock();
        for (at, record) in change(&mut roster) {
            self.journal.record_at(at, record);
        }
        drop(roster);
        self.changed.send_replace(());
    }

    pub(super) fn look<Seen>(&self, look: impl FnOnce(&mut Roster) -> Seen) -> Seen {
        look(&mut self.roster.lock())
    }

    fn learn(&self, service: usize, news: News) {
        let now = Instant::now();
        self.change(|roster| match news {
            News::All(pods) => roster.see_all(service, pods, now),
            News::Is(pod) => roster.see(service, *pod, now),
            News::IsGone { uid } => roster.ends(service, &uid, now),
        });
    }

    /// The occasion of a fault and an owner, and the name of the next kill of it.
    pub(super) fn occasion(&self, fault: &FaultId, owner: &OwnerName) -> (String, String) {
        let mut occasions = self.occasions.lock();
        let new = || (self.conductor.occasion(owner), 0);
        let known = occasions.entry((fault.clone(), owner.clone()));
        let (occasion, count) = known.or_insert_with(new);
        let kill = format!("{occasion}-{count}");
        *count += 1;
        (occasion.clone(), kill)
    }

    /// Whether the ledger names a kill of this game day.
    pub(super) fn is_own(&self, occasion: &str) -> bool {
        let occasions = self.occasions.lock();
        occasions.values().any(|(known, _)| known == occasion)
    }

    /// Kills a pod whose attempt has begun in the roster; why not, if it lives.
    pub(super) async fn attempt(&self, victim: &Victim, meant: Meant) -> Result<(), String> {
        let (attempted, why_not) = deed::kill(self, victim, meant).await;
        self.change(|roster| roster.end(victim, attempted, Instant::now()));
        match (attempted, why_not) {
            (Attempted::Spared | Attempted::Unknown, Some(why)) => Err(why),
            _ => Ok(()),
        }
    }

    /// A fault could not go on: the run says so, and its victims may come back.
    pub(super) fn give_up(&self, fault: &FaultId, reason: String) {
        if self.look(|roster| roster.release_all(fault)) {
            self.journal.record(Record::FaultFailed {
                fault: fault.clone(),
                reason,
            });
        }
    }

    async fn until(&self, mut holds: impl FnMut(&Roster) -> bool) {
        let mut changed = self.changed.subscribe();
        while !self.look(|roster| holds(roster)) {
            // The sender lives as long as this does.
            let _ = changed.changed().await;
        }
    }

    async fn take(
        &self,
        instance: &InstanceName,
        fault: &FaultId,
        meant: Meant,
    ) -> Result<(), TargetError> {
        if self.look(|roster| roster.state(instance)).is_none() {
            return Err(TargetError::Unknown {
                instance: instance.clone(),
            });
        }
        let victim = self.look(|roster| roster.begin(instance, fault));
        let victim = victim.ok_or_else(|| TargetError::NotRunning {
            instance: instance.clone(),
        })?;
        let attempted = self.attempt(&victim, meant).await;
        attempted.map_err(|reason| TargetError::NotKilled {
            instance: instance.clone(),
            reason,
        })
    }
}

impl Target for PodTarget {
    fn snapshot(&self) -> Vec<InstanceStatus> {
        self.core.look(|roster| roster.states())
    }

    fn endpoints(&self, service: &str) -> Vec<Endpoint> {
        self.core
            .endpoints
            .get(service)
            .cloned()
            .into_iter()
            .collect()
    }

    async fn kill(&self, instance: &InstanceName, fault: &FaultId) -> Result<(), TargetError> {
        self.core.take(instance, fault, Meant::Kill).await
    }

    async fn pause(&self, instance: &InstanceName, _: &FaultId) -> Result<(), TargetError> {
        Err(TargetError::Impossible {
            instance: instance.clone(),
            what: "paused",
        })
    }

    async fn resume(&self, _: &InstanceName, _: &FaultId) -> Result<(), TargetError> {
        Ok(())
    }

    async fn hold_down(&self, instance: &InstanceName, fault: &FaultId) -> Result<(), TargetError> {
        match self.core.take(instance, fault, Meant::Outage).await {
            // Down already is as good as killed.
            Ok(()) | Err(TargetError::NotRunning { .. }) => {}
            Err(error) => return Err(error),
        }
        self.core.change(|roster| {
            roster.hold(instance, fault);
            Vec::new()
        });
        Ok(())
    }

    async fn release(&self, instance: &InstanceName, fault: &FaultId) -> Result<(), TargetError> {
        self.core.look(|roster| roster.release(instance, fault));
        // Nothing is killed any more by a fault that has ended.
        let at_rest = self.core.until(|roster| !roster.is_at_it(Some(fault)));
        let _ = timeout(ENDS_WITHIN, at_rest).await;
        Ok(())
    }

    async fn until_ready(&self, instance: &InstanceName) {
        let is_ready = |state: Option<InstanceState>| match state {
            Some(state) => state == InstanceState::Ready,
            // Nobody should wait for one that will never be.
            None => true,
        };
        self.core
            .until(|roster| is_ready(roster.state(instance)))
            .await;
    }

    async fn stop_all(&self) {
        // Whoever is at a kill ends it, so that it is on record what became of it.
        let _ = timeout(
            ENDS_WITHIN,
            self.core.until(|roster| !roster.is_at_it(None)),
        )
        .await;
        if !self.core.killer.is_dry_run {
            let whole = follow::until_all_are_whole(&self.core);
            // Otherwise an agent, or the next game day, says so later.
            let _ = timeout(WHOLE_WITHIN, whole).await;
        }
        let mut tasks = std::mem::take(&mut *self.tasks.lock());
        tasks.shutdown().await;
    }
}
