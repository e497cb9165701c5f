//! Each filter, alone: what passes and what does not, with the reason that is given.

use super::*;
use crate::agent::ENABLED;
use crate::agent::cluster::OwnerName;
use crate::schema::{AgentSpec, OptIn, OwnerKind, Span};

const NOW: &str = "2026-03-23T12:00:00Z";

fn texts(pairs: &[(&str, &str)]) -> Described {
    let pairs = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let labels = pairs
        .clone()
        .filter(|(key, _)| !key.starts_with('@'))
        .collect();
    let annotations = pairs
        .filter_map(|(key, value)| Some((key.strip_prefix('@')?.to_owned(), value)))
        .collect();
    Described {
        labels,
        annotations,
    }
}

/// A pod that passes whatever is asked by default.
struct World {
    pod: Pod,
    owner: Option<Described>,
    namespace: Option<Described>,
    spec: AgentSpec,
}

fn world() -> World {
    World {
        pod: Pod {
            namespace: "shop".to_owned(),
            name: "web-1-x".to_owned(),
            uid: String::new(),
            version: String::new(),
            described: texts(&[("app", "web")]),
            created: "2026-03-23T11:00:00Z".parse().unwrap(),
            is_terminating: false,
            phase: "Running".to_owned(),
            is_ready: true,
            owner: Owner::Known(OwnerName {
                namespace: "shop".to_owned(),
                kind: OwnerKind::Deployment,
                name: "web".to_owned(),
            }),
        },
        owner: Some(texts(&[(ENABLED, "true")])),
        namespace: Some(Described::default()),
        spec: AgentSpec::default(),
    }
}

/// The filters that do not let it pass, each with its reason.
fn refusals(change: impl FnOnce(&mut World)) -> Vec<(&'static str, String)> {
    let mut world = world();
    change(&mut world);
    let rules = Rules::of(&world.spec).unwrap();
    let candidate = Candidate {
        pod: &world.pod,
        owner: world.owner.as_ref(),
        namespace: world.namespace.as_ref(),
        now: NOW.parse().unwrap(),
    };
    let refusals: Vec<_> = ALL
        .iter()
        .filter_map(|filter| Some((filter.name, (filter.check)(&rules, &candidate).err()?)))
        .collect();
    assert_eq!(candidate.can_be_victim(&rules), refusals.is_empty());
    refusals
}

#[track_caller]
fn passes(change: impl FnOnce(&mut World)) {
    assert_eq!(refusals(change), []);
}

#[track_caller]
fn refused(by: &str, reason: &str, change: impl FnOnce(&mut World)) {
    let refusals = refusals(change);
    let [(name, why)] = refusals.as_slice() else {
        panic!("one filter refuses, and not {refusals:?}");
    };
    assert_eq!(*name, by);
    assert!(why.contains(reason), "{why}");
}

#[test]
fn an_ordinary_pod_that_was_offered_passes() {
    passes(|_| {});
}

#[test]
fn an_offer_may_stand_in_three_places_and_an_opt_out_in_any_of_them_wins() {
    let none = |world: &mut World| world.owner = Some(Described::default());
    refused("opt-in", "neither the pod nor", none);
    for key in [ENABLED, &format!("@{ENABLED}")] {
        passes(|world| {
            none(world);
            world.pod.described = texts(&[(key, "true")]);
        });
        passes(|world| {
            none(world);
            world.namespace = Some(texts(&[(key, "true")]));
        });
        refused("opt-in", "its pod says", |world| {
            world.pod.described = texts(&[(key, "false")]);
        });
        refused("opt-in", "its namespace says", |world| {
            world.namespace = Some(texts(&[(key, "false")]));
        });
        refused("opt-in", "its owner says", |world| {
            world.spec.opt_in = OptIn::None;
            world.owner = Some(texts(&[(key, "false")]));
        });
        refused("opt-in", "only `true` and `false`", |world| {
            world.namespace = Some(texts(&[(key, "yes")]));
        });
    }
    passes(|world| {
        none(world);
        world.spec.opt_in = OptIn::None;
    });
}

#[test]
fn a_label_and_an_annotation_that_contradict_each_other_withhold() {
    refused("opt-in", "its pod says", |world| {
        world.pod.described = texts(&[(ENABLED, "true"), (&format!("@{ENABLED}"), "false")]);
    });
}

#[test]
fn namespaces_are_named_excepted_and_selected() {
    let only = |world: &mut World| world.spec.namespaces.only = vec!["shop".to_owned()];
    passes(only);
    refused("namespace", "not one of spec.namespaces.only", |world| {
        world.spec.namespaces.only = vec!["bank".to_owned()];
    });
    refused("namespace", "one of spec.namespaces.except", |world| {
        world.spec.namespaces.except = vec!["shop".to_owned()];
    });
    let selector = |world: &mut World| world.spec.namespaces.labels = Some("env=test".to_owned());
    refused("namespace", "(env=test)", selector);
    passes(|world| {
        selector(world);
        world.namespace = Some(texts(&[("env", "test")]));
    });
    refused("namespace", "nothing is known", |world| {
        world.namespace = None;
    });
}

#[test]
fn kube_system_must_be_named() {
    let move_there = |world: &mut World| world.pod.namespace = "kube-system".to_owned();
    refused("namespace", "`kube-system`", move_there);
    passes(|world| {
        move_there(world);
        world.spec.namespaces.only = vec!["kube-system".to_owned()];
    });
}

#[test]
fn only_what_is_brought_back_is_killed() {
    refused("owner", "no controller", |world| {
        world.pod.owner = Owner::Nobody;
    });
    refused("owner", "Job `backup`", |world| {
        world.pod.owner = Owner::Unknown("Job `backup`".to_owned());
    });
    refused("owner", "not one of spec.owners.kinds", |world| {
        world.spec.owners.kinds = vec![OwnerKind::StatefulSet];
    });
    refused("owner", "nothing is known", |world| {
        world.owner = None;
        world.pod.described = texts(&[(ENABLED, "true")]);
    });
}

#[test]
fn mirrors_and_the_agent_itself_are_spared() {
    refused("mirror", "static pod", |world| {
        world.pod.described = texts(&[("@kubernetes.io/config.mirror", "8c1f")]);
    });
    refused("itself", "agent", |world| {
        world.pod.described = texts(&[("app.kubernetes.io/name", "chaos-monkey")]);
    });
}

#[test]
fn labels_annotations_and_names_are_selected() {
    passes(|world| world.spec.pods.labels = Some("app in (web, api)".to_owned()));
    refused("labels", "(app=api)", |world| {
        world.spec.pods.labels = Some("app=api".to_owned());
    });
    refused("annotations", "(tier)", |world| {
        world.spec.pods.annotations = Some("tier".to_owned());
    });
    passes(|world| world.spec.pods.names = Some("^web-".to_owned()));
    refused("name", "is not found", |world| {
        world.spec.pods.names = Some("^api-".to_owned());
    });
    refused("name", "is found", |world| {
        world.spec.pods.except_names = Some("x$".to_owned());
    });
}

#[test]
fn a_pod_that_has_trouble_already_is_spared() {
    refused("state", "about to end", |world| {
        world.pod.is_terminating = true;
    });
    refused("state", "`Pending`", |world| {
        world.pod.phase = "Pending".to_owned();
    });
    refused("state", "not ready", |world| world.pod.is_ready = false);
}

#[test]
fn a_pod_must_be_old_enough_whatever_the_clocks_say() {
    let hour = |world: &mut World| world.spec.pods.minimum_age = Span::from_secs(3_600);
    passes(hour);
    refused("age", "3599 s old", |world| {
        hour(world);
        world.pod.created = "2026-03-23T11:00:01Z".parse().unwrap();
    });
    refused("age", "0 s old", |world| {
        hour(world);
        world.pod.created = "2036-01-01T00:00:00Z".parse().unwrap();
    });
}

#[test]
fn an_annotation_of_the_owner_that_is_not_understood_forbids() {
    let says = |key: &'static str, value: &'static str| {
        move |world: &mut World| world.owner = Some(texts(&[(ENABLED, "true"), (key, value)]))
    };
    passes(says("@chaos.aplomb.dev/mean-time", "9"));
    let reason = "its owner says `chaos.aplomb.dev/mean-time: often`";
    refused(
        "workload",
        reason,
        says("@chaos.aplomb.dev/mean-time", "often"),
    );
}
