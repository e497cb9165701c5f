//! Which pod is which instance, and what that means for the journal. Nothing here touches a
//! cluster.
//!
//! A service has as many instances as it had pods at the beginning. A pod that ends leaves its
//! instance, and the next new one takes its place: the one of the same name where there is one, as
//! in a StatefulSet, else the one that was down for longest. Pods beyond that are spare.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::journal::{FaultId, InstanceName, Record};
use crate::target::{InstanceState, InstanceStatus};

/// A pod as the cluster tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SeenPod {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) is_ready: bool,
    /// About to end, or ended.
    pub(super) is_ending: bool,
    /// From its making until it was ready, by the clock of the cluster.
    pub(super) ready_after: Duration,
    /// How often one of its containers was started again.
    pub(super) restarts: i32,
    /// How a container ended last: `exit 1`, `signal 9`.
    pub(super) last_end: Option<String>,
}

/// What happened, and when.
pub(super) type Told = (Instant, Record);

/// What became of an attempt to kill a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempted {
    /// It is gone or about to end; the word for how.
    Killed(&'static str),
    /// It lives.
    Spared,
    /// Nobody knows; if it ends it was that.
    Unknown,
}

/// All instances of a system, and the pods that they are.
#[derive(Debug, Default)]
pub(super) struct Roster {
    services: Vec<ServiceSlots>,
    /// Pods that count as ended, whatever else is told of them.
    ended: BTreeSet<String>,
    /// Counts what goes down, so that the longest down is known.
    clock: u64,
}

#[derive(Debug)]
struct ServiceSlots {
    slots: Vec<Slot>,
    /// With the moment from which on each was there.
    spare: BTreeMap<String, (SeenPod, Instant)>,
    /// Spare pods that somebody is about to kill, and the fault.
    under_attempt: BTreeMap<String, FaultId>,
}

#[derive(Debug)]
struct Slot {
    name: InstanceName,
    life: Option<Life>,
    last_pod: String,
    down_since: u64,
    /// The faults that keep it down.
    holders: BTreeSet<FaultId>,
}

#[derive(Debug)]
struct Life {
    pod: SeenPod,
    since: Instant,
    was_ready: bool,
    /// The fault whose attempt to kill it is under way.
    attempt: Option<FaultId>,
    /// The fault that may have killed it.
    suspect: Option<FaultId>,
    /// When it was seen to end while an attempt was under way.
    ended: Option<Instant>,
}

/// A pod that is to be killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Victim {
    pub(super) service: usize,
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) uid: String,
    pub(super) fault: FaultId,
}

impl Life {
    const fn is_there(&self) -> bool {
        self.ended.is_none()
    }
}

impl Slot {
    fn state(&self) -> InstanceState {
        match &self.life {
            Some(life) if !life.is_there() => InstanceState::Down,
            Some(life) if life.pod.is_ready => InstanceState::Ready,
            Some(_) => InstanceState::Starting,
            None => InstanceState::Down,
        }
    }

    /// The pod moves in.
    fn begin(&mut self, pod: SeenPod, now: Instant) -> Vec<Told> {
        let started = Record::InstanceStarted {
            instance: self.name.clone(),
            pid: 0,
            pod: Some(pod.name.clone()),
        };
        let mut told = vec![(now, started)];
        if pod.is_ready {
            told.push((now, self.ready(pod.ready_after)));
        }
        self.last_pod.clone_from(&pod.name);
        self.life = Some(Life {
            was_ready: pod.is_ready,
            pod,
            since: now,
            attempt: None,
            suspect: None,
            ended: None,
        });
        told
    }

    fn ready(&self, after: Duration) -> Record {
        Record::InstanceReady {
            instance: self.name.clone(),
            after: i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        }
    }

    fn down(&self, how: String, fault: Option<FaultId>) -> Record {
        Record::InstanceDown {
            instance: self.name.clone(),
            pid: 0,
            how,
            fault,
        }
    }

    /// News of the pod that lives here.
    fn see(&mut self, pod: SeenPod, now: Instant) -> Vec<Told> {
        let Some(life) = &mut self.life else {
            return Vec::new();
        };
        let mut told = Vec::new();
        if pod.restarts > life.pod.restarts {
            let how = pod.last_end.as_deref().unwrap_or("an end nobody knows");
            let how = format!("{how} of a container of pod {}", pod.name);
            let fault = life.suspect.clone();
            life.since = now;
            life.was_ready = false;
            told.push((now, self.down(how, fault)));
            let started = Record::InstanceStarted {
                instance: self.name.clone(),
                pid: 0,
                pod: Some(pod.name.clone()),
            };
            told.push((now, started));
        }
        let Some(life) = &mut self.life else {
            return told;
        };
        let is_first_time = pod.is_ready && !life.was_ready;
        life.was_ready |= pod.is_ready;
        life.pod = pod;
        let after = now.duration_since(life.since);
        if is_first_time {
            told.push((now, self.ready(after)));
        }
        told
    }
}

impl Roster {
    /// The instances of some services, each with its pods, all of which are there and ready.
    pub(super) fn new(services: Vec<(String, Vec<SeenPod>)>, now: Instant) -> (Self, Vec<Told>) {
        let mut told = Vec::new();
        let services = services.into_iter().map(|(service, pods)| {
            let slots = (0..).zip(pods).map(|(replica, pod)| {
                let mut slot = Slot {
                    name: InstanceName {
                        service: service.clone(),
                        replica,
                    },
                    life: None,
                    last_pod: String::new(),
                    down_since: 0,
                    holders: BTreeSet::new(),
                };
                told.extend(slot.begin(pod, now));
                slot
            });
            ServiceSlots {
                slots: slots.collect(),
                spare: BTreeMap::new(),
                under_attempt: BTreeMap::new(),
            }
        });
        let services = services.collect();
        let roster = Self {
            services,
            ..Self::default()
        };
        (roster, told)
    }

    /// How all instances are.
    pub(super) fn states(&self) -> Vec<InstanceStatus> {
        let slots = self.services.iter().flat_map(|service| &service.slots);
        slots
            .map(|slot| InstanceStatus {
                instance: slot.name.clone(),
                state: slot.state(),
            })
            .collect()
    }

    /// How one instance is; `None` where there is none of this name.
    pub(super) fn state(&self, instance: &InstanceName) -> Option<InstanceState> {
        self.slot(instance).map(Slot::state)
    }

    /// News of a pod of a service.
    pub(super) fn see(&mut self, service: usize, pod: SeenPod, now: Instant) -> Vec<Told> {
        if self.ended.contains(&pod.uid) {
            return Vec::new();
        }
        if pod.is_ending {
            return self.ends(service, &pod.uid, now);
        }
        let Some(slots) = self.services.get_mut(service) else {
            return Vec::new();
        };
        let lives_in =
            |slot: &&mut Slot| slot.life.as_ref().is_some_and(|it| it.pod.uid == pod.uid);
        if let Some(slot) = slots.slots.iter_mut().find(lives_in) {
            return slot.see(pod, now);
        }
        let since = slots.spare.get(&pod.uid).map_or(now, |(_, since)| *since);
        slots.spare.insert(pod.uid.clone(), (pod, since));
        slots.fill(now)
    }

    /// All pods of a service: whoever is not among them has ended.
    pub(super) fn see_all(
        &mut self,
        service: usize,
        pods: Vec<SeenPod>,
        now: Instant,
    ) -> Vec<Told> {
        let there: BTreeSet<&String> = pods.iter().map(|pod| &pod.uid).collect();
        let known = self.services.get(service).into_iter().flat_map(|slots| {
            let lives = slots.slots.iter().filter_map(|slot| slot.life.as_ref());
            lives.map(|life| &life.pod.uid).chain(slots.spare.keys())
        });
        let gone: Vec<String> = known.filter(|uid| !there.contains(uid)).cloned().collect();
        let mut told = Vec::new();
        for uid in gone {
            told.extend(self.ends(service, &uid, now));
        }
        for pod in pods {
            told.extend(self.see(service, pod, now));
        }
        told
    }

    /// A pod is gone or about to end.
    pub(super) fn ends(&mut self, service: usize, uid: &str, now: Instant) -> Vec<Told> {
        let Some(slots) = self.services.get_mut(service) else {
            return Vec::new();
        };
        slots.spare.remove(uid);
        let lives_in = |slot: &&mut Slot| slot.life.as_ref().is_some_and(|it| it.pod.uid == uid);
        let Some(slot) = slots.slots.iter_mut().find(lives_in) else {
            self.ended.insert(uid.to_owned());
            return Vec::new();
        };
        if let Some(life) = slot.life.as_mut().filter(|life| life.attempt.is_some()) {
            // Whether that was the fault is known when its attempt has an answer.
            life.ended.get_or_insert(now);
            return Vec::new();
        }
        self.leave(service, uid, now, "ended", None)
    }

    /// The pod leaves its instance, and a new one may take its place.
    fn leave(
        &mut self,
        service: usize,
        uid: &str,
        now: Instant,
        how: &str,
        fault: Option<FaultId>,
    ) -> Vec<Told> {
        self.ended.insert(uid.to_owned());
        self.clock += 1;
        let clock = self.clock;
        let Some(slots) = self.services.get_mut(service) else {
            return Vec::new();
        };
        let lives_in = |slot: &&mut Slot| slot.life.as_ref().is_some_and(|it| it.pod.uid == uid);
        let Some(slot) = slots.slots.iter_mut().find(lives_in) else {
            return Vec::new();
        };
        let Some(life) = slot.life.take() else {
            return Vec::new();
        };
        slot.down_since = clock;
        let fault = fault.or(life.suspect);
        let how = format!("pod {} {how}", life.pod.name);
        let mut told = vec![(now, slot.down(how, fault))];
        told.extend(slots.fill(now));
        told
    }

    /// Begins to kill the pod of an instance; `None` where none is there, or somebody is at it.
    pub(super) fn begin(&mut self, instance: &InstanceName, fault: &FaultId) -> Option<Victim> {
        let (service, slot) = self.slot_mut(instance)?;
        let life = slot.life.as_mut().filter(|life| life.is_there())?;
        if life.attempt.is_some() {
            return None;
        }
        life.attempt = Some(fault.clone());
        Some(victim(service, &life.pod, fault))
    }

    /// What became of it.
    pub(super) fn end(&mut self, victim: &Victim, attempted: Attempted, now: Instant) -> Vec<Told> {
        let Some(slots) = self.services.get_mut(victim.service) else {
            return Vec::new();
        };
        slots.under_attempt.remove(&victim.uid);
        let lives_in = |slot: &&mut Slot| {
            slot.life
                .as_ref()
                .is_some_and(|it| it.pod.uid == victim.uid)
        };
        let Some(slot) = slots.slots.iter_mut().find(lives_in) else {
            if matches!(attempted, Attempted::Killed(_)) {
                slots.spare.remove(&victim.uid);
                self.ended.insert(victim.uid.clone());
            }
            return Vec::new();
        };
        let Some(life) = &mut slot.life else {
            return Vec::new();
        };
        life.attempt = None;
        if attempted == Attempted::Unknown {
            life.suspect = Some(victim.fault.clone());
        }
        let ended = life.ended;
        let fault = Some(victim.fault.clone());
        match (attempted, ended) {
            (Attempted::Killed(how), ended) => {
                let at = ended.unwrap_or(now);
                self.leave(victim.service, &victim.uid, at, how, fault)
            }
            (Attempted::Spared | Attempted::Unknown, Some(at)) => {
                self.leave(victim.service, &victim.uid, at, "ended", None)
            }
            (Attempted::Spared | Attempted::Unknown, None) => Vec::new(),
        }
    }

    /// Keeps an instance down from now on.
    pub(super) fn hold(&mut self, instance: &InstanceName, fault: &FaultId) {
        if let Some((_, slot)) = self.slot_mut(instance) {
            slot.holders.insert(fault.clone());
        }
    }

    /// Lets an instance come back that a fault has kept down.
    pub(super) fn release(&mut self, instance: &InstanceName, fault: &FaultId) {
        if let Some((_, slot)) = self.slot_mut(instance) {
            slot.holders.remove(fault);
        }
    }

    /// Lets all instances come back that a fault has kept down; whether there were any.
    pub(super) fn release_all(&mut self, fault: &FaultId) -> bool {
        let slots = self.services.iter_mut().flat_map(|it| &mut it.slots);
        let released = slots.filter_map(|slot| slot.holders.remove(fault).then_some(()));
        released.count() > 0
    }

    /// Begins to kill all pods that are kept down: those of instances that a fault holds, and the
    /// spare ones of a service all of whose instances are held.
    pub(super) fn begin_held(&mut self) -> Vec<Victim> {
        let mut victims = Vec::new();
        for (index, service) in self.services.iter_mut().enumerate() {
            for slot in &mut service.slots {
                let Some(fault) = slot.holders.first().cloned() else {
                    continue;
                };
                let is_free = |life: &&mut Life| life.is_there() && life.attempt.is_none();
                if let Some(life) = slot.life.as_mut().filter(is_free) {
                    life.attempt = Some(fault.clone());
                    victims.push(victim(index, &life.pod, &fault));
                }
            }
            let holders = service.slots.iter().map(|slot| slot.holders.first());
            let all: Option<Vec<&FaultId>> = holders.collect();
            let Some(fault) = all.as_ref().and_then(|all| all.first()) else {
                continue;
            };
            for (uid, (pod, _)) in &service.spare {
                if !service.under_attempt.contains_key(uid) {
                    victims.push(victim(index, pod, fault));
                    service.under_attempt.insert(uid.clone(), (*fault).clone());
                }
            }
        }
        victims
    }

    /// Whether somebody is about to kill a pod; of a fault, or of any.
    pub(super) fn is_at_it(&self, fault: Option<&FaultId>) -> bool {
        let is_meant = |by: &FaultId| fault.is_none_or(|fault| fault == by);
        self.services.iter().any(|service| {
            let lives = service.slots.iter().filter_map(|slot| slot.life.as_ref());
            let mut attempts = lives.filter_map(|life| life.attempt.as_ref());
            attempts.any(is_meant) || service.under_attempt.values().any(is_meant)
        })
    }

    fn slot(&self, instance: &InstanceName) -> Option<&Slot> {
        let slots = self.services.iter().flat_map(|service| &service.slots);
        slots.into_iter().find(|slot| slot.name == *instance)
    }

    fn slot_mut(&mut self, instance: &InstanceName) -> Option<(usize, &mut Slot)> {
        let services = self.services.iter_mut().enumerate();
        let mut slots = services
            .flat_map(|(index, service)| service.slots.iter_mut().map(move |slot| (index, slot)));
        slots.find(|(_, slot)| slot.name == *instance)
    }
}

impl ServiceSlots {
    /// Spare pods move into instances that are down.
    fn fill(&mut self, now: Instant) -> Vec<Told> {
        let mut told = Vec::new();
        let spare: Vec<String> = self.spare.keys().cloned().collect();
        for uid in spare {
            let Some((pod, _)) = self.spare.get(&uid) else {
                continue;
            };
            let free = self.slots.iter_mut().filter(|slot| slot.life.is_none());
            let rank = |slot: &&mut Slot| (slot.last_pod != pod.name, slot.down_since);
            let Some(slot) = free.min_by_key(rank) else {
                return told;
            };
            if self.under_attempt.contains_key(&uid) {
                continue;
            }
            if let Some((pod, since)) = self.spare.remove(&uid) {
                // Whoever was there before has left no later than now.
                told.extend(slot.begin(pod, since.max(now)));
            }
        }
        told
    }
}

fn victim(service: usize, pod: &SeenPod, fault: &FaultId) -> Victim {
    Victim {
        service,
        namespace: pod.namespace.clone(),
        pod: pod.name.clone(),
        uid: pod.uid.clone(),
        fault: fault.clone(),
    }
}

#[cfg(test)]
mod tests;
