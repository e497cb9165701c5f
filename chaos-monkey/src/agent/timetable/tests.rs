use std::collections::BTreeSet;

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::schema::{AgentSpec, Every, Hours, OwnerKind, PerPod, Span, Weekday};

const A_MONDAY: Date = date(2026, 3, 23);

fn rules(rhythm: Rhythm, from: &str, to: &str) -> Rules {
    let mut spec = AgentSpec::default();
    spec.schedule.rhythm = rhythm;
    spec.schedule.weekdays = Weekday::ALL.to_vec();
    spec.schedule.hours = Hours {
        from: from.to_owned(),
        to: to.to_owned(),
    };
    Rules::of(&spec).unwrap()
}

fn every(interval: u64, jitter: u64) -> Rhythm {
    Rhythm::Every(Every {
        interval: Span::from_secs(interval),
        jitter: Span::from_secs(jitter),
        owners: 1,
    })
}

fn moments(rules: &Rules, seed: u64) -> Vec<String> {
    let timetable = Timetable::of(rules, seed, A_MONDAY);
    let ticks = timetable.ticks();
    ticks.iter().map(|tick| tick.at.to_string()).collect()
}

#[test]
fn intervals_count_from_midnight_and_keep_to_the_hours() {
    assert_eq!(
        moments(&rules(every(1_500, 0), "09:00", "10:00"), 1),
        ["2026-03-23T09:10:00Z", "2026-03-23T09:35:00Z"]
    );
    assert_eq!(
        moments(&rules(every(86_400, 0), "09:00", "10:00"), 1).len(),
        0
    );
    assert_eq!(
        moments(&rules(every(60, 0), "00:00", "24:00"), 1).len(),
        24 * 60
    );
    assert_eq!(moments(&rules(every(1, 0), "09:00", "09:01"), 1).len(), 60);
}

proptest! {
    #[test]
    fn jitter_makes_each_late_by_at_most_as_much(
        interval in 1_u64..4_000, share in 0.0..=1.0_f64, seed: u64,
    ) {
        let jitter = (interval as f64 * share) as u64;
        let exact = moments(&rules(every(interval, 0), "00:00", "24:00"), seed);
        let late = moments(&rules(every(interval, jitter), "00:00", "24:00"), seed);
        // The last one may be late until the next day.
        prop_assert!(late.len() == exact.len() || late.len() + 1 == exact.len());
        for (exact, late) in exact.iter().zip(&late) {
            let at = |text: &str| text.parse::<Timestamp>().unwrap();
            let by = at(late).duration_since(at(exact)).as_secs();
            prop_assert!((0..=jitter.cast_signed()).contains(&by), "{exact} {late}");
        }
    }

    #[test]
    fn the_order_at_a_tick_depends_on_nobody_else(seed: u64, owners in 2_usize..30) {
        let rules = rules(every(3_600, 0), "09:00", "10:00");
        let tick = Timetable::of(&rules, seed, A_MONDAY).ticks()[0];
        let named = |count: usize| (0..count).map(|it| (NameHash::of_number(it as u64), it)).collect();
        let order = |count| -> Vec<usize> {
            Timetable::in_order(&tick, named(count)).into_iter().map(|(owner, _)| owner).collect()
        };
        let all = order(owners);
        prop_assert_eq!(all.iter().copied().collect::<BTreeSet<_>>().len(), owners);
        let without_the_last: Vec<usize> = all.into_iter().filter(|it| *it != owners - 1).collect();
        prop_assert_eq!(without_the_last, order(owners - 1));
    }
}

#[test]
fn each_pod_lives_for_the_mean_time_however_many_there_are() {
    // Within 24 hours a day a pod with a mean time of 10 hours is due with the chance
    // 1 - (1 - 1/600)^1440.
    let rhythm = Rhythm::PerPod(PerPod {
        mean_time: Span::from_secs(36_000),
    });
    let rules = rules(rhythm, "00:00", "24:00");
    let expected = 1.0 - (1.0 - 1.0 / 600.0_f64).powi(1_440);
    for pods in [1_000_u64, 20_000] {
        let timetable = Timetable::of(&rules, 7, A_MONDAY);
        let hashes: Vec<NameHash> = (0..pods).map(NameHash::of_number).collect();
        let due = hashes
            .iter()
            .filter(|pod| timetable.of_pod(**pod, &Narrowing::default()).is_some())
            .count() as f64;
        let (mean, deviation) = (
            pods as f64 * expected,
            (pods as f64 * expected * (1.0 - expected)).sqrt(),
        );
        assert!(
            (due - mean).abs() < 4.0 * deviation,
            "{due} of {pods}, expected {mean}"
        );
        // In the first hour as many as in an hour of the geometric distribution.
        let first_hour = timetable.minutes[60];
        let early = hashes.iter().filter(|pod| {
            timetable
                .of_pod(**pod, &Narrowing::default())
                .is_some_and(|at| at < first_hour)
        });
        let share = 1.0 - (1.0 - 1.0 / 600.0_f64).powi(60);
        let (mean, deviation) = (
            pods as f64 * share,
            (pods as f64 * share * (1.0 - share)).sqrt(),
        );
        let early = early.count() as f64;
        assert!(
            (early - mean).abs() < 4.0 * deviation,
            "{early} of {pods}, expected {mean}"
        );
    }
}

#[test]
fn what_is_due_lies_after_one_moment_and_until_another() {
    let rhythm = Rhythm::PerOwner(crate::schema::PerOwner {
        mean_time: 1,
        minimum_time: 0,
    });
    let rules = rules(rhythm, "09:00", "15:00");
    let proposals: Vec<Proposal> = (0..50)
        .map(|number| Proposal {
            owner: OwnerName {
                namespace: "shop".to_owned(),
                kind: OwnerKind::Deployment,
                name: format!("web-{number}"),
            },
            pods: Vec::new(),
            narrowing: Narrowing::default(),
        })
        .collect();
    let timetable = Timetable::of(&rules, 3, A_MONDAY);
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let (begin, end) = (at("2026-03-23T08:59:59Z"), at("2026-03-23T15:00:00Z"));
    let all = timetable.due(&proposals, begin, end);
    assert_eq!(all.len(), 50);
    // Each of them once, whenever one looks.
    let middle = all[20].0;
    let (early, late) = (
        timetable.due(&proposals, begin, middle),
        timetable.due(&proposals, middle, end),
    );
    assert_eq!(early.len() + late.len(), 50);
    assert!(early.iter().all(|(at, ..)| *at <= middle));
    assert!(all.is_sorted_by_key(|(at, owner, _)| (*at, *owner)));
}

#[test]
fn what_a_workload_says_narrows_its_days_its_hours_and_its_pods() {
    use crate::agent::calendar::HoursOfDay;
    use crate::schema::VictimAmount;

    let per_owner = |mean_time| {
        Rhythm::PerOwner(crate::schema::PerOwner {
            mean_time,
            minimum_time: 0,
        })
    };
    let mut rules = rules(per_owner(2), "09:00", "15:00");
    rules.amount = VictimAmount::All;
    let narrowing = Narrowing {
        rhythm: Some(per_owner(4)),
        amount: Some(VictimAmount::Fixed(2)),
        hours: HoursOfDay::read("10:00-11:00"),
    };
    let timetable = Timetable::of(&rules, 3, A_MONDAY);
    let due = |narrowing: &Narrowing| -> Vec<Timestamp> {
        let owners = (0..2_000).map(NameHash::of_number);
        let due = owners.flat_map(|owner| timetable.of_owner(owner, &[], narrowing));
        due.map(|(at, _)| at).collect()
    };
    let (all, narrow) = (due(&Narrowing::default()), due(&narrowing));
    // Four standard deviations of binomial counts of 1,000 and 500.
    assert!(all.len().abs_diff(1_000) < 90, "{}", all.len());
    assert!(narrow.len().abs_diff(500) < 78, "{}", narrow.len());
    let hour = A_MONDAY.at(10, 0, 0, 0).in_tz("UTC").unwrap().timestamp();
    let is_within = |at: &Timestamp| (0..3_600).contains(&at.duration_since(hour).as_secs());
    assert!(narrow.iter().all(is_within));
    assert!(!all.iter().all(is_within));
}
