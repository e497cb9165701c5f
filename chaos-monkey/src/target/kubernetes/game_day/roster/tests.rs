use proptest::prelude::*;

use super::*;

fn pod(name: &str, uid: &str) -> SeenPod {
    SeenPod {
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        uid: uid.to_owned(),
        is_ready: true,
        is_ending: false,
        ready_after: Duration::from_secs(2),
        restarts: 0,
        last_end: None,
    }
}

fn starting(name: &str, uid: &str) -> SeenPod {
    SeenPod {
        is_ready: false,
        ..pod(name, uid)
    }
}

fn ending(name: &str, uid: &str) -> SeenPod {
    SeenPod {
        is_ending: true,
        ..pod(name, uid)
    }
}

fn web(replica: u32) -> InstanceName {
    InstanceName {
        service: "web".to_owned(),
        replica,
    }
}

fn roster(pods: Vec<SeenPod>) -> Roster {
    let (roster, _) = Roster::new(vec![("web".to_owned(), pods)], Instant::now());
    roster
}

fn two() -> Roster {
    roster(vec![pod("a", "1"), pod("b", "2")])
}

fn states(roster: &Roster) -> Vec<InstanceState> {
    roster.states().iter().map(|status| status.state).collect()
}

/// What was told, in short.
fn short(told: &[Told]) -> Vec<String> {
    told.iter()
        .map(|(_, record)| match record {
            Record::InstanceStarted { instance, pod, .. } => {
                format!("{instance} is {}", pod.as_deref().unwrap_or_default())
            }
            Record::InstanceReady { instance, after } => format!("{instance} ready after {after}"),
            Record::InstanceDown {
                instance,
                how,
                fault,
                ..
            } => format!(
                "{instance} down: {how} ({})",
                fault.as_deref().unwrap_or("no fault")
            ),
            other => format!("{other:?}"),
        })
        .collect()
}

#[test]
fn pods_at_the_beginning_are_the_instances() {
    let pods = vec![pod("a", "1"), pod("b", "2")];
    let (roster, told) = Roster::new(vec![("web".to_owned(), pods)], Instant::now());
    assert_eq!(
        short(&told),
        [
            "web/0 is a",
            "web/0 ready after 2000000",
            "web/1 is b",
            "web/1 ready after 2000000",
        ]
    );
    assert_eq!(states(&roster), [InstanceState::Ready; 2]);
    assert_eq!(roster.state(&web(2)), None);
}

#[test]
fn a_new_pod_takes_the_place_of_the_one_that_was_killed() {
    let mut roster = two();
    let now = Instant::now();
    let victim = roster.begin(&web(1), &"kill-1".to_owned()).unwrap();
    assert_eq!((victim.pod.as_str(), victim.uid.as_str()), ("b", "2"));
    assert_eq!(roster.begin(&web(1), &"kill-2".to_owned()), None);
    let told = roster.end(&victim, Attempted::Killed("was evicted"), now);
    assert_eq!(short(&told), ["web/1 down: pod b was evicted (kill-1)"]);
    assert_eq!(states(&roster), [InstanceState::Ready, InstanceState::Down]);

    // Whatever is still told of it, it is gone.
    assert_eq!(roster.see(0, pod("b", "2"), now), []);
    assert_eq!(roster.see(0, ending("b", "2"), now), []);
    assert_eq!(roster.ends(0, "2", now), []);

    let told = roster.see(0, starting("c", "3"), now);
    assert_eq!(short(&told), ["web/1 is c"]);
    assert_eq!(roster.state(&web(1)), Some(InstanceState::Starting));
    let later = now + Duration::from_millis(1_500);
    let told = roster.see(0, pod("c", "3"), later);
    assert_eq!(short(&told), ["web/1 ready after 1500000"]);
    assert_eq!(states(&roster), [InstanceState::Ready; 2]);
}

#[test]
fn the_end_of_a_pod_waits_for_the_answer_to_who_tries_to_kill_it() {
    for (attempted, says) in [
        (
            Attempted::Killed("was evicted"),
            "web/0 down: pod a was evicted (kill-1)",
        ),
        (Attempted::Unknown, "web/0 down: pod a ended (kill-1)"),
        (Attempted::Spared, "web/0 down: pod a ended (no fault)"),
    ] {
        let mut roster = two();
        let seen = Instant::now();
        let victim = roster.begin(&web(0), &"kill-1".to_owned()).unwrap();
        assert_eq!(roster.see(0, ending("a", "1"), seen), []);
        assert_eq!(roster.state(&web(0)), Some(InstanceState::Down));
        let told = roster.end(&victim, attempted, seen + Duration::from_secs(1));
        assert_eq!(short(&told), [says]);
        assert_eq!(told[0].0, seen, "it ended when it was seen to");
        assert!(!roster.is_at_it(None));
    }
}

#[test]
fn a_pod_that_ends_after_an_attempt_without_an_answer_was_killed_by_it() {
    let mut roster = two();
    let now = Instant::now();
    let victim = roster.begin(&web(0), &"kill-1".to_owned()).unwrap();
    assert_eq!(roster.end(&victim, Attempted::Unknown, now), []);
    let told = roster.ends(0, "1", now);
    assert_eq!(short(&told), ["web/0 down: pod a ended (kill-1)"]);
}

#[test]
fn a_pod_that_ends_by_itself_is_nobodys_victim() {
    let mut roster = two();
    let told = roster.see(0, ending("a", "1"), Instant::now());
    assert_eq!(short(&told), ["web/0 down: pod a ended (no fault)"]);
    assert_eq!(roster.begin(&web(0), &"kill-1".to_owned()), None);
}

#[test]
fn a_container_that_ends_takes_its_instance_down() {
    let mut roster = two();
    let now = Instant::now();
    let crashed = SeenPod {
        restarts: 1,
        last_end: Some("exit 3".to_owned()),
        ..starting("a", "1")
    };
    let told = roster.see(0, crashed.clone(), now);
    assert_eq!(
        short(&told),
        [
            "web/0 down: exit 3 of a container of pod a (no fault)",
            "web/0 is a",
        ]
    );
    let again = SeenPod {
        is_ready: true,
        ..crashed
    };
    let told = roster.see(0, again, now + Duration::from_secs(1));
    assert_eq!(short(&told), ["web/0 ready after 1000000"]);
}

#[test]
fn a_pod_that_is_not_ready_for_a_while_has_not_ended() {
    let mut roster = two();
    let now = Instant::now();
    assert_eq!(roster.see(0, starting("a", "1"), now), []);
    assert_eq!(roster.state(&web(0)), Some(InstanceState::Starting));
    assert_eq!(roster.see(0, pod("a", "1"), now), []);
    assert_eq!(roster.state(&web(0)), Some(InstanceState::Ready));
}

#[test]
fn a_whole_list_tells_of_what_was_missed() {
    let mut roster = two();
    let told = roster.see_all(0, vec![pod("b", "2"), pod("c", "3")], Instant::now());
    assert_eq!(
        short(&told),
        [
            "web/0 down: pod a ended (no fault)",
            "web/0 is c",
            "web/0 ready after 2000000",
        ]
    );
}

#[test]
fn a_pod_of_the_same_name_comes_back_to_its_instance() {
    let mut roster = two();
    let now = Instant::now();
    roster.ends(0, "1", now);
    roster.ends(0, "2", now);
    // That of `a` was down for longer.
    let told = roster.see(0, starting("b", "3"), now);
    assert_eq!(short(&told), ["web/1 is b"]);
    let told = roster.see(0, starting("c", "4"), now);
    assert_eq!(short(&told), ["web/0 is c"]);
}

#[test]
fn more_pods_than_instances_are_spare() {
    let mut roster = two();
    let now = Instant::now();
    assert_eq!(roster.see(0, pod("c", "3"), now), []);
    assert_eq!(states(&roster), [InstanceState::Ready; 2]);
    let told = roster.ends(0, "1", now);
    assert_eq!(
        short(&told),
        [
            "web/0 down: pod a ended (no fault)",
            "web/0 is c",
            "web/0 ready after 2000000",
        ]
    );
}

#[test]
fn what_is_held_is_killed_whenever_it_appears() {
    let mut roster = two();
    let (now, fault) = (Instant::now(), "outage-1".to_owned());
    let victim = roster.begin(&web(0), &fault).unwrap();
    roster.end(&victim, Attempted::Killed("was evicted"), now);
    roster.hold(&web(0), &fault);
    assert_eq!(roster.begin_held(), []);

    roster.see(0, starting("c", "3"), now);
    let held = roster.begin_held();
    let names = |victims: &[Victim]| {
        let names = victims.iter().map(|victim| victim.pod.clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(&held), ["c"]);
    assert!(roster.is_at_it(None));
    assert_eq!(roster.begin_held(), [], "somebody is at it already");
    roster.end(&held[0], Attempted::Killed("was evicted"), now);

    // With each instance held, spare pods are killed, too.
    roster.see(0, pod("d", "4"), now);
    roster.see(0, pod("e", "5"), now);
    assert_eq!(names(&roster.begin_held()), ["d"]);
    roster.hold(&web(1), &fault);
    assert_eq!(names(&roster.begin_held()), ["b", "e"]);

    assert!(roster.release_all(&fault));
    assert!(!roster.release_all(&fault));
    roster.see(0, pod("f", "6"), now);
    assert_eq!(roster.begin_held(), []);
}

#[test]
fn an_instance_comes_back_when_the_last_fault_lets_it() {
    let mut roster = two();
    let (one, other) = ("outage-1".to_owned(), "outage-2".to_owned());
    roster.hold(&web(0), &one);
    roster.hold(&web(0), &other);
    roster.release(&web(0), &one);
    assert_eq!(roster.begin_held().len(), 1);
    let mut roster = two();
    roster.hold(&web(0), &one);
    roster.release(&web(0), &one);
    assert_eq!(roster.begin_held(), []);
}

proptest! {
    /// Whatever happens in whichever order: the pods that live are the instances that are there,
    /// as far as there are instances, and what was told adds up to that.
    #[test]
    fn instances_and_living_pods_agree(
        steps in prop::collection::vec((0_u8..5, 0_u32..8), 0..60),
    ) {
        let now = Instant::now();
        let mut roster = two();
        let mut living = BTreeSet::from([1_u32, 2]);
        let mut born = 2;
        let mut down = 0_usize;
        for (step, choice) in steps {
            let told = match step {
                0 => {
                    born += 1;
                    living.insert(born);
                    roster.see(0, pod(&format!("pod-{born}"), &born.to_string()), now)
                }
                1 if living.remove(&choice) => roster.ends(0, &choice.to_string(), now),
                1 => Vec::new(),
                2 => {
                    let listed = living.iter().map(|uid| pod(&format!("pod-{uid}"), &uid.to_string()));
                    roster.see_all(0, listed.collect(), now)
                }
                3 => match roster.begin(&web(choice % 2), &"kill-1".to_owned()) {
                    Some(victim) => {
                        living.remove(&victim.uid.parse().unwrap_or_default());
                        roster.end(&victim, Attempted::Killed("was evicted"), now)
                    }
                    None => Vec::new(),
                },
                _ => match roster.begin(&web(choice % 2), &"kill-1".to_owned()) {
                    Some(victim) => roster.end(&victim, Attempted::Spared, now),
                    None => Vec::new(),
                },
            };
            for (_, record) in &told {
                match record {
                    Record::InstanceDown { .. } => down += 1,
                    Record::InstanceStarted { .. } => down -= 1,
                    _ => {}
                }
            }
            let there = states(&roster).iter().filter(|state| **state == InstanceState::Ready).count();
            prop_assert_eq!(there, living.len().min(2));
            prop_assert_eq!(down + there, 2);
            prop_assert!(!roster.is_at_it(None));
        }
    }
}
