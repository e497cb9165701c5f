//! The plan: which faults a game day brings, fixed before anything is broken.
//!
//! A plan is a pure function of the snapshot of targets, the time line and the seed: the same
//! three give the same plan, byte for byte, whatever the order in which the targets were listed.
//! Guards have no say here: they look at the moment of execution, and what they veto is not
//! drawn again, so that a plan can be read beforehand and replayed afterwards.

use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::hash;
use crate::journal::{InstanceName, PlannedFault, ServiceLayout};
use crate::schedule::strikes;
use crate::schema::{
    Amount, FaultKind, GameDay, Kill, Monkey, Outage, Pause, System, TimelineFault,
};
use crate::select::{Bag, candidates, draw_replicas};

/// The services of a system and how many instances each has: the snapshot that a plan is made for.
///
/// A service without a binding to processes has no instances.
pub fn snapshot(system: &System) -> Vec<ServiceLayout> {
    system
        .spec
        .services
        .iter()
        .map(|(name, service)| ServiceLayout {
            name: name.clone(),
            replicas: service
                .process
                .as_ref()
                .map_or(0, |process| process.replicas),
        })
        .collect()
}

/// Plans all faults of a game day, ordered by time and then by id.
///
/// A fault on a service that the snapshot does not hold has no victims; checking the file refuses
/// such a game day before it is planned.
pub fn plan(game_day: &GameDay, snapshot: &[ServiceLayout], seed: u64) -> Vec<PlannedFault> {
    let mut planned: Vec<PlannedFault> = game_day
        .spec
        .timeline
        .faults
        .iter()
        .flat_map(|entry| plan_entry(entry, snapshot, seed))
        .collect();
    planned.sort_by(|left, right| left.at.cmp(&right.at).then_with(|| left.id.cmp(&right.id)));
    planned
}

fn plan_entry(entry: &TimelineFault, snapshot: &[ServiceLayout], seed: u64) -> Vec<PlannedFault> {
    let mut random = source_of_chance(seed, &entry.id);
    match &entry.fault {
        FaultKind::Kill(kill) => vec![plan_kill(entry, kill, snapshot, &mut random)],
        FaultKind::Pause(pause) => vec![plan_pause(entry, pause, snapshot, &mut random)],
        FaultKind::Outage(outage) => vec![plan_outage(entry, outage, snapshot, &mut random)],
        FaultKind::Monkey(monkey) => plan_monkey(entry, monkey, snapshot, &mut random),
    }
}

fn plan_kill(
    entry: &TimelineFault,
    kill: &Kill,
    snapshot: &[ServiceLayout],
    random: &mut ChaCha8Rng,
) -> PlannedFault {
    PlannedFault {
        id: fault_id(entry, 1),
        at: microseconds(entry.at.get()),
        kind: "kill".to_owned(),
        victims: draw_victims(&kill.service, kill.amount, snapshot, random),
        lasts: 0,
        allow_outage: false,
    }
}

fn plan_pause(
    entry: &TimelineFault,
    pause: &Pause,
    snapshot: &[ServiceLayout],
    random: &mut ChaCha8Rng,
) -> PlannedFault {
    PlannedFault {
        id: fault_id(entry, 1),
        at: microseconds(entry.at.get()),
        kind: "pause".to_owned(),
        victims: draw_victims(&pause.service, pause.amount, snapshot, random),
        lasts: microseconds(pause.r#for.get()),
        allow_outage: pause.allow_outage,
    }
}

fn plan_outage(
    entry: &TimelineFault,
    outage: &Outage,
    snapshot: &[ServiceLayout],
    random: &mut ChaCha8Rng,
) -> PlannedFault {
    PlannedFault {
        id: fault_id(entry, 1),
        at: microseconds(entry.at.get()),
        kind: "outage".to_owned(),
        victims: draw_victims(&outage.service, Amount::All, snapshot, random),
        lasts: microseconds(outage.r#for.get()),
        allow_outage: outage.allow_outage,
    }
}

fn plan_monkey(
    entry: &TimelineFault,
    monkey: &Monkey,
    snapshot: &[ServiceLayout],
    random: &mut ChaCha8Rng,
) -> Vec<PlannedFault> {
    let moments = strikes(
        monkey.every.get(),
        monkey.jitter,
        monkey.r#for.get(),
        random,
    );
    let mut bag = Bag::new(candidates(snapshot, &monkey.services));
    moments
        .into_iter()
        .zip(1..)
        .filter_map(|(moment, number)| {
            let service = bag.draw(random)?;
            Some(PlannedFault {
                id: fault_id(entry, number),
                at: microseconds(entry.at.get().saturating_add(moment)),
                kind: "kill".to_owned(),
                victims: victims_of(service, monkey.amount, random),
                lasts: 0,
                allow_outage: false,
            })
        })
        .collect()
}

fn draw_victims(
    service: &str,
    amount: Amount,
    snapshot: &[ServiceLayout],
    random: &mut ChaCha8Rng,
) -> Vec<InstanceName> {
    snapshot
        .iter()
        .find(|layout| layout.name == service)
        .map(|layout| victims_of(layout, amount, random))
        .unwrap_or_default()
}

fn victims_of(
    service: &ServiceLayout,
    amount: Amount,
    random: &mut ChaCha8Rng,
) -> Vec<InstanceName> {
    draw_replicas(amount, service.replicas, random)
        .into_iter()
        .map(|replica| InstanceName {
            service: service.name.clone(),
            replica,
        })
        .collect()
}

/// Each entry draws from a stream of its own, so that a new entry changes no other one's victims.
fn source_of_chance(seed: u64, entry: &str) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(hash::fnv1a(entry.as_bytes()));
    random
}

fn fault_id(entry: &TimelineFault, number: usize) -> String {
    format!("{}-{number}", entry.id)
}

fn microseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
