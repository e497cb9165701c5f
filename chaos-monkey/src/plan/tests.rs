use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{plan, snapshot};
use crate::journal::{PlannedFault, ServiceLayout};
use crate::schema::{
    Amount, FaultKind, GameDay, Kill, Monkey, Outage, Pause, ServiceChoice, Span, System,
    TimelineFault,
};

const SERVICES: [&str; 5] = ["auth", "gateway", "metadata", "playback", "recommendations"];

fn game_day(faults: Vec<TimelineFault>) -> GameDay {
    let mut game_day: GameDay = serde_json::from_value(serde_json::json!({
        "apiVersion": "chaos.aplomb.dev/v1alpha1",
        "kind": "GameDay",
        "metadata": {"name": "test"},
        "spec": {
            "title": "t",
            "hypothesis": "h",
            "system": "s",
            "load": {
                "target": "gateway",
                "rate": {"constant": 1.0},
                "journeys": {"j": {"weight": 1.0, "steps": [{"name": "s", "request": {"path": "/"}}]}},
            },
            "steadyState": [],
            "timeline": {"duration": "10m", "faults": []},
        },
    }))
    .unwrap();
    game_day.spec.timeline.faults = faults;
    game_day
}

fn entry(id: &str, at: u64, fault: FaultKind) -> TimelineFault {
    TimelineFault {
        id: id.to_owned(),
        at: Span::from_secs(at),
        fault,
    }
}

fn monkey(amount: Amount, kills: u64, jitter: bool) -> FaultKind {
    FaultKind::Monkey(Monkey {
        services: ServiceChoice::All,
        amount,
        every: Span::from_secs(2),
        jitter,
        r#for: Span::from_secs(2 * kills - 1),
    })
}

fn layouts(replicas: &[u32]) -> Vec<ServiceLayout> {
    SERVICES
        .iter()
        .zip(replicas)
        .map(|(name, replicas)| ServiceLayout {
            name: (*name).to_owned(),
            replicas: *replicas,
        })
        .collect()
}

fn victims(fault: &PlannedFault) -> Vec<String> {
    fault.victims.iter().map(ToString::to_string).collect()
}

#[test]
fn each_entry_becomes_what_it_says() {
    let day = game_day(vec![
        entry(
            "gone",
            20,
            FaultKind::Outage(Outage {
                service: "auth".to_owned(),
                r#for: Span::from_secs(8),
                allow_outage: true,
            }),
        ),
        entry(
            "still",
            5,
            FaultKind::Pause(Pause {
                service: "metadata".to_owned(),
                amount: Amount::All,
                r#for: Span::from_secs(3),
                allow_outage: false,
            }),
        ),
        entry(
            "dead",
            5,
            FaultKind::Kill(Kill {
                service: "playback".to_owned(),
                amount: Amount::Fixed(9),
            }),
        ),
    ]);
    let planned = plan(&day, &layouts(&[2, 2, 2, 3, 2]), 7);
    let ids: Vec<&str> = planned.iter().map(|fault| fault.id.as_str()).collect();
    assert_eq!(ids, ["dead-1", "still-1", "gone-1"], "by time, then by id");
    assert_eq!(planned[0].kind, "kill");
    assert_eq!((planned[0].lasts, planned[0].at), (0, 5_000_000));
    assert_eq!(planned[0].victims.len(), 3, "at most all");
    assert_eq!(planned[1].lasts, 3_000_000);
    assert_eq!(victims(&planned[2]), ["auth/0", "auth/1"]);
    assert!(planned[2].allow_outage && !planned[1].allow_outage);
}

#[test]
fn a_snapshot_lists_services_with_their_replicas() {
    let system: System = serde_json::from_value(serde_json::json!({
        "apiVersion": "chaos.aplomb.dev/v1alpha1",
        "kind": "System",
        "metadata": {"name": "s"},
        "spec": {"services": {"web": {"process": {
            "command": ["web"],
            "replicas": 3,
            "ports": {"http": "auto"},
            "health": {"check": {"tcp": {"port": "http"}}},
        }}}},
    }))
    .unwrap();
    assert_eq!(
        snapshot(&system),
        [ServiceLayout {
            name: "web".to_owned(),
            replicas: 3
        }]
    );
}

fn amounts() -> impl Strategy<Value = Amount> {
    prop_oneof![
        Just(Amount::One),
        Just(Amount::All),
        (1..5_u32).prop_map(Amount::Fixed),
        (1..=100_u32).prop_map(Amount::Percent),
    ]
}

proptest! {
    #[test]
    fn the_same_seed_gives_the_same_plan_however_targets_are_listed(
        seed in any::<u64>(),
        replicas in prop::collection::vec(1..5_u32, 5),
        amount in amounts(),
        jitter in any::<bool>(),
        order in Just((0..5_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let day = game_day(vec![entry("m", 4, monkey(amount, 12, jitter))]);
        let listed = layouts(&replicas);
        let shuffled: Vec<_> = order.iter().map(|index| listed[*index].clone()).collect();
        let first = serde_json::to_string(&plan(&day, &listed, seed)).unwrap();
        prop_assert_eq!(&first, &serde_json::to_string(&plan(&day, &listed, seed)).unwrap());
        prop_assert_eq!(&first, &serde_json::to_string(&plan(&day, &shuffled, seed)).unwrap());
    }

    #[test]
    fn victims_exist_and_are_drawn_once(
        seed in any::<u64>(),
        replicas in prop::collection::vec(1..5_u32, 5),
        amount in amounts(),
    ) {
        let day = game_day(vec![entry("m", 4, monkey(amount, 12, false))]);
        let listed = layouts(&replicas);
        for fault in plan(&day, &listed, seed) {
            let unique: BTreeSet<_> = fault.victims.iter().collect();
            prop_assert_eq!(unique.len(), fault.victims.len());
            prop_assert!(!fault.victims.is_empty());
            for victim in &fault.victims {
                let service = listed.iter().find(|one| one.name == victim.service).unwrap();
                prop_assert!(victim.replica < service.replicas);
            }
        }
    }

    #[test]
    fn every_service_is_drawn_once_before_any_is_drawn_again(seed in any::<u64>()) {
        let day = game_day(vec![entry("m", 4, monkey(Amount::One, 10, false))]);
        let planned = plan(&day, &layouts(&[2; 5]), seed);
        prop_assert_eq!(planned.len(), 10);
        for round in planned.chunks(5) {
            let drawn: BTreeSet<_> = round.iter().map(|fault| &fault.victims[0].service).collect();
            prop_assert_eq!(drawn.len(), 5);
        }
    }

    #[test]
    fn a_new_entry_changes_no_other_ones_victims(seed in any::<u64>()) {
        let alone = entry("m", 4, monkey(Amount::One, 10, true));
        let other = entry("n", 5, monkey(Amount::One, 10, true));
        let listed = layouts(&[2; 5]);
        let before = plan(&game_day(vec![alone.clone()]), &listed, seed);
        let after = plan(&game_day(vec![other, alone]), &listed, seed);
        let of_m: Vec<_> = after.into_iter().filter(|fault| fault.id.starts_with("m-")).collect();
        prop_assert_eq!(before, of_m);
    }
}
