use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::agent::cluster::Described;
use crate::schema::{AgentSpec, OptIn, OwnerKind, PerOwner, Rhythm, Span, VictimAmount, Weekday};

const FIRST: Date = date(2026, 3, 23);

fn name(number: usize) -> OwnerName {
    OwnerName {
        namespace: "shop".to_owned(),
        kind: OwnerKind::Deployment,
        name: format!("web-{number}"),
    }
}

/// So many Deployments with so many pods each, made at the beginning of the first day.
fn cluster(owners: usize, pods: usize) -> Cluster {
    let pod = |owner: usize, pod: usize| Pod {
        namespace: "shop".to_owned(),
        name: format!("web-{owner}-{pod}"),
        uid: String::new(),
        version: String::new(),
        described: Described::default(),
        created: "2026-03-23T00:00:00Z".parse().unwrap(),
        is_terminating: false,
        phase: "Running".to_owned(),
        is_ready: true,
        owner: Owner::Known(name(owner)),
    };
    let all = (0..owners).flat_map(|owner| (0..pods).map(move |number| pod(owner, number)));
    Cluster {
        namespaces: [("shop".to_owned(), Described::default())].into(),
        owners: (0..owners)
            .map(|owner| (name(owner), Described::default()))
            .collect(),
        pods: all.collect(),
    }
}

fn spec() -> AgentSpec {
    AgentSpec {
        opt_in: OptIn::None,
        ..AgentSpec::default()
    }
}

fn per_owner(mean_time: u32, minimum_time: u32) -> Rhythm {
    Rhythm::PerOwner(PerOwner {
        mean_time,
        minimum_time,
    })
}

fn planned(cluster: &Cluster, spec: &AgentSpec, seed: u64, days: u32) -> Vec<PlannedKill> {
    plan(cluster, &Rules::of(spec).unwrap(), seed, FIRST, days)
}

#[test]
fn over_ten_thousand_workdays_the_mean_time_is_what_was_asked_for() {
    let cluster = cluster(3, 1);
    for mean_time in [1, 2, 5, 20] {
        let mut spec = spec();
        spec.schedule.rhythm = per_owner(mean_time, 0);
        spec.schedule.weekdays = Weekday::ALL.to_vec();
        let kills = planned(&cluster, &spec, 7, 10_000);
        for owner in 0..3 {
            let count = kills
                .iter()
                .filter(|kill| kill.owner == name(owner))
                .count() as f64;
            let share = 1.0 / f64::from(mean_time);
            let expected = 10_000.0 * share;
            // Four standard deviations of a binomial count: one seed in 16,000 lies outside.
            let tolerance = 4.0 * (expected * (1.0 - share)).sqrt();
            assert!(
                (count - expected).abs() <= tolerance,
                "{count} kills for {expected}"
            );
        }
    }
}

#[test]
fn the_times_between_kills_are_those_of_independent_days() {
    let mut spec = spec();
    spec.schedule.rhythm = per_owner(5, 0);
    spec.schedule.weekdays = Weekday::ALL.to_vec();
    let kills = planned(&cluster(1, 1), &spec, 11, 20_000);
    let gaps: Vec<i32> = kills
        .windows(2)
        .map(|pair| (pair[1].at.date() - pair[0].at.date()).get_days())
        .collect();
    // P(X = n) = (1 - p)^(n - 1) p with p = 1/5.
    for days in 1..=5 {
        let share = gaps.iter().filter(|gap| **gap == days).count() as f64 / gaps.len() as f64;
        let expected = 0.8_f64.powi(days - 1) * 0.2;
        assert!(
            (share - expected).abs() < 0.03,
            "{share} of {expected} after {days}"
        );
    }
}

#[test]
fn the_minutes_are_spread_over_the_hours() {
    let mut spec = spec();
    spec.schedule.rhythm = per_owner(1, 0);
    let kills = planned(&cluster(20, 1), &spec, 1, 70);
    let mut hours = [0; 24];
    for kill in &kills {
        hours[kill.at.hour() as usize] += 1;
    }
    assert_eq!(kills.len(), 20 * 50);
    assert!(
        hours[..9]
            .iter()
            .chain(&hours[15..])
            .all(|count| *count == 0)
    );
    assert!(
        hours[9..15].iter().all(|count| (110..230).contains(count)),
        "{hours:?}"
    );
}

#[test]
fn the_minimum_time_is_kept_to_the_minute_and_counts_workdays() {
    for workdays in [1, 3, 7] {
        let mut spec = spec();
        spec.schedule.rhythm = per_owner(1, workdays);
        let rules = Rules::of(&spec).unwrap();
        let kills = planned(&cluster(1, 1), &spec, 3, 300);
        assert!(kills.len() > 20);
        for pair in kills.windows(2) {
            let (last, at) = (&pair[0].at, &pair[1].at);
            let bound = rules.calendar.workdays_before(at.date(), workdays).unwrap();
            assert!(
                (last.date(), last.time()) < (bound, at.time()),
                "{last} and {at}"
            );
        }
    }
}

#[test]
fn a_pod_is_planned_for_when_it_is_old_enough() {
    let mut spec = spec();
    spec.schedule.rhythm = per_owner(1, 0);
    spec.pods.minimum_age = Span::from_secs(3 * 86_400);
    let kills = planned(&cluster(1, 1), &spec, 1, 5);
    let days: Vec<String> = kills
        .iter()
        .map(|kill| kill.at.date().to_string())
        .collect();
    assert_eq!(days, ["2026-03-26", "2026-03-27"]);
}

#[test]
fn who_is_withheld_is_not_planned_for() {
    let mut withheld = cluster(2, 2);
    let withholds = [(crate::agent::ENABLED.to_owned(), "false".to_owned())];
    withheld.owners.get_mut(&name(0)).unwrap().labels = withholds.into();
    let kills = planned(&withheld, &spec(), 1, 100);
    assert!(!kills.is_empty());
    assert!(kills.iter().all(|kill| kill.owner == name(1)));
    assert_eq!(planned(&withheld, &AgentSpec::default(), 1, 100), []);
}

#[test]
fn another_owner_changes_nobody_elses_plan() {
    let of_first = |kills: Vec<PlannedKill>| -> Vec<PlannedKill> {
        kills
            .into_iter()
            .filter(|kill| kill.owner == name(0))
            .collect()
    };
    let alone = planned(&cluster(1, 3), &spec(), 5, 100);
    let beside = of_first(planned(&cluster(9, 3), &spec(), 5, 100));
    assert_eq!(alone, beside);
    assert_ne!(alone, planned(&cluster(1, 3), &spec(), 6, 100));
}

#[test]
fn the_plan_of_more_days_begins_with_that_of_fewer() {
    let cluster = cluster(5, 2);
    let month = planned(&cluster, &spec(), 1, 30);
    let week = planned(&cluster, &spec(), 1, 7);
    assert_eq!(month[..week.len()], week);
}

proptest! {
    #[test]
    fn the_order_of_the_pods_does_not_matter(seed: u64, rotation in 0_usize..12, percent in 1_u32..=100) {
        let mut spec = spec();
        spec.amount = VictimAmount::UpToPercent(percent);
        let cluster = cluster(4, 3);
        let mut turned = cluster.clone();
        turned.pods.rotate_left(rotation);
        // A snapshot is sorted when it is read.
        turned.pods.sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
        let plan = planned(&cluster, &spec, seed, 30);
        prop_assert_eq!(&plan, &planned(&turned, &spec, seed, 30));
        for kill in &plan {
            prop_assert!(!kill.pods.is_empty());
            prop_assert!(kill.pods.iter().all(|pod| pod.starts_with(&kill.owner.name)));
        }
    }
}

fn killed(owner: usize, at: &str) -> LedgerEntry {
    let at: Timestamp = at.parse().unwrap();
    LedgerEntry {
        kill: "k".to_owned(),
        agent: "platform".to_owned(),
        occasion: "k".to_owned(),
        owner: name(owner),
        pod: "p".to_owned(),
        pod_uid: "u".to_owned(),
        at,
        not_after: at,
        outcome: None,
        is_whole: true,
    }
}

#[test]
fn kills_before_the_first_day_count_for_the_minimum_time() {
    let cluster = cluster(2, 1);
    let mut spec = spec();
    // Due on every workday, and kept to each third one.
    spec.schedule.rhythm = per_owner(1, 3);
    let rules = Rules::of(&spec).unwrap();
    let plan = |earlier: &[LedgerEntry]| plan_after(earlier, &cluster, &rules, 7, FIRST, 2);
    let owners = |kills: Vec<PlannedKill>| -> Vec<OwnerName> {
        let mut owners: Vec<_> = kills.into_iter().map(|kill| kill.owner).collect();
        owners.sort();
        owners
    };
    assert_eq!(owners(plan(&[])), [name(0), name(1)]);
    // The Friday before.
    let friday = killed(0, "2026-03-20T14:59:00Z");
    assert_eq!(owners(plan(&[friday])), [name(1)]);
    // Long ago, and on the day itself, which may be the plan's own.
    let others = [
        killed(0, "2026-03-02T14:59:00Z"),
        killed(1, "2026-03-23T14:59:00Z"),
    ];
    assert_eq!(plan(&others), plan(&[]));
}
