use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::journal::InstanceName;

fn instance(service: &str, replica: u32) -> InstanceName {
    InstanceName {
        service: service.to_owned(),
        replica,
    }
}

fn fault(victims: &[(&str, u32)], allow_outage: bool) -> PlannedFault {
    PlannedFault {
        id: "kills-1".to_owned(),
        at: 0,
        kind: "kill".to_owned(),
        victims: victims
            .iter()
            .map(|(service, replica)| instance(service, *replica))
            .collect(),
        lasts: 0,
        allow_outage,
    }
}

fn situation(states: &[(&str, u32, InstanceState)]) -> Situation {
    Situation {
        instances: states
            .iter()
            .map(|(service, replica, state)| (instance(service, *replica), *state))
            .collect(),
        halt_file: HaltFileState::Absent,
    }
}

fn two_of_two() -> Situation {
    situation(&[
        ("web", 0, InstanceState::Ready),
        ("web", 1, InstanceState::Ready),
        ("cache", 0, InstanceState::Ready),
        ("cache", 1, InstanceState::Ready),
    ])
}

fn guards() -> Guards {
    Guards {
        halt_file: Some("/tmp/halt".to_owned()),
        excluded_services: vec!["cache".to_owned()],
        ..Guards::default()
    }
}

fn veto(situation: &Situation, fault: &PlannedFault) -> Option<&'static str> {
    decide(&all(&guards()), situation, fault)
        .err()
        .map(|veto| veto.guard)
}

#[test]
fn one_of_two_may_die() {
    assert_eq!(veto(&two_of_two(), &fault(&[("web", 0)], false)), None);
}

#[test]
fn the_last_ready_one_may_not_die() {
    for state in [
        InstanceState::Down,
        InstanceState::Paused,
        InstanceState::Starting,
    ] {
        let situation = situation(&[("web", 0, state), ("web", 1, InstanceState::Ready)]);
        assert_eq!(
            veto(&situation, &fault(&[("web", 1)], false)),
            Some("minimumHealthy")
        );
    }
}

#[test]
fn a_service_that_nobody_knows_may_not_be_broken() {
    assert_eq!(
        veto(&two_of_two(), &fault(&[("ghost", 0)], false)),
        Some("minimumHealthy")
    );
}

#[test]
fn too_many_at_once_are_refused() {
    let guards = all(&Guards {
        minimum_healthy: 0,
        maximum_down: 2,
        ..Guards::default()
    });
    let mut situation = two_of_two();
    let both = fault(&[("web", 0), ("web", 1)], false);
    assert_eq!(decide(&guards, &situation, &both), Ok(()));
    situation
        .instances
        .insert(instance("cache", 1), InstanceState::Starting);
    assert_eq!(
        decide(&guards, &situation, &both),
        Err(Veto {
            guard: "maximumDown",
            reason: "3 instances would be away at once, and at most 2 may be".to_owned(),
        })
    );
}

#[test]
fn allow_outage_waives_minimum_healthy_and_maximum_down_and_nothing_else() {
    let outage = fault(&[("web", 0), ("web", 1)], true);
    assert_eq!(veto(&two_of_two(), &outage), None);

    let halted = Situation {
        halt_file: HaltFileState::Present,
        ..two_of_two()
    };
    assert_eq!(veto(&halted, &outage), Some("haltFile"));

    let excluded = fault(&[("cache", 0), ("cache", 1)], true);
    assert_eq!(veto(&two_of_two(), &excluded), Some("excludedServices"));
}

#[test]
fn a_halt_file_that_cannot_be_looked_at_forbids() {
    let unknown = Situation {
        halt_file: HaltFileState::Unknown("permission denied".to_owned()),
        ..two_of_two()
    };
    let refused = decide(&all(&guards()), &unknown, &fault(&[("web", 0)], false));
    assert_eq!(
        refused,
        Err(Veto {
            guard: "haltFile",
            reason: "cannot tell whether `/tmp/halt` exists: permission denied".to_owned(),
        })
    );
}

#[test]
fn guards_are_asked_in_a_fixed_order() {
    let names: Vec<&str> = all(&guards()).iter().map(|guard| guard.name()).collect();
    assert_eq!(
        names,
        [
            "haltFile",
            "excludedServices",
            "minimumHealthy",
            "maximumDown"
        ]
    );
}

/// One step of a random game day: a strike at some replicas of a service, or a return.
#[derive(Debug, Clone)]
enum Move {
    Strike { service: usize, replicas: Vec<u32> },
    Return { service: usize, replica: u32 },
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let strike = (0_usize..3, proptest::collection::btree_set(0_u32..3, 1..=3)).prop_map(
        |(service, replicas)| Move::Strike {
            service,
            replicas: replicas.into_iter().collect(),
        },
    );
    let comes_back =
        (0_usize..3, 0_u32..3).prop_map(|(service, replica)| Move::Return { service, replica });
    proptest::collection::vec(prop_oneof![2 => strike, 1 => comes_back], 0..60)
}

const SERVICES: [&str; 3] = ["auth", "cache", "web"];

proptest! {
    /// Against a naive model that only counts: whatever is approved keeps both promises, and
    /// whatever is refused would have broken one.
    #[test]
    fn approved_faults_keep_the_minimum_and_the_maximum(
        moves in moves(),
        minimum_healthy in 0_u32..=3,
        maximum_down in 0_u32..=9,
    ) {
        let guards = all(&Guards { minimum_healthy, maximum_down, ..Guards::default() });
        let mut up: BTreeMap<(usize, u32), bool> =
            (0..3).flat_map(|service| (0..3).map(move |replica| ((service, replica), true))).collect();

        for next in moves {
            match next {
                Move::Return { service, replica } => {
                    up.insert((service, replica), true);
                }
                Move::Strike { service, replicas } => {
                    let now = Situation {
                        instances: up
                            .iter()
                            .map(|((service, replica), is_up)| {
                                let state = if *is_up { InstanceState::Ready } else { InstanceState::Down };
                                (instance(SERVICES[*service], *replica), state)
                            })
                            .collect(),
                        halt_file: HaltFileState::Absent,
                    };
                    let victims: Vec<(&str, u32)> =
                        replicas.iter().map(|replica| (SERVICES[service], *replica)).collect();
                    let mut afterwards = up.clone();
                    for replica in &replicas {
                        afterwards.insert((service, *replica), false);
                    }
                    let healthy = (0..3).filter(|replica| afterwards[&(service, *replica)]).count();
                    let down = afterwards.values().filter(|is_up| !**is_up).count();
                    let harmless = healthy >= minimum_healthy as usize && down <= maximum_down as usize;

                    let approved = decide(&guards, &now, &fault(&victims, false)).is_ok();
                    prop_assert_eq!(approved, harmless);
                    if approved {
                        up = afterwards;
                    }
                }
            }
        }
    }
}
