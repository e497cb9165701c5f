use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::agent::cluster::Cluster;
use crate::agent::object::{Assembly, Object};
use crate::schema::{AgentSpec, OptIn};

fn metadata(
    kind: &str,
    namespace: &str,
    name: &str,
    owner: Option<(&str, &str)>,
    enabled: Option<&str>,
) -> Object {
    let references = owner.map_or_else(
        || json!([]),
        |(kind, name)| json!([{"kind": kind, "name": name, "uid": "u", "controller": true}]),
    );
    let labels = enabled.map_or_else(|| json!({}), |word| json!({crate::agent::ENABLED: word}));
    let number = crate::hash::fnv1a(name.as_bytes());
    serde_json::from_value(json!({
        "kind": kind,
        "metadata": {
            "name": name, "namespace": namespace, "uid": format!("{number:032x}"),
            "creationTimestamp": "2026-03-23T08:00:00Z",
            "labels": labels, "ownerReferences": references,
        },
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }))
    .unwrap()
}

/// A few of everything, in which words of three kinds are said in some places.
fn objects(words: &[Option<&'static str>]) -> Vec<Object> {
    let mut words = words.iter().copied().cycle();
    let mut said = || words.next().flatten();
    let mut objects = Vec::new();
    for namespace in ["bank", "shop", "kube-system"] {
        objects.push(metadata("Namespace", "", namespace, None, said()));
        for number in 0..3 {
            let deployment = format!("{namespace}-web-{number}");
            let set = format!("{deployment}-5d8f");
            objects.push(metadata("Deployment", namespace, &deployment, None, said()));
            let behind = Some(("Deployment", deployment.as_str()));
            objects.push(metadata("ReplicaSet", namespace, &set, behind, said()));
            for pod in 0..2 {
                let name = format!("{set}-{pod}");
                let owner = Some(("ReplicaSet", set.as_str()));
                objects.push(metadata("Pod", namespace, &name, owner, said()));
            }
        }
        let job = format!("{namespace}-job");
        objects.push(metadata(
            "Pod",
            namespace,
            &job,
            Some(("Job", "job")),
            said(),
        ));
        objects.push(metadata(
            "Pod",
            namespace,
            &format!("{namespace}-bare"),
            None,
            said(),
        ));
    }
    objects
}

fn take_in(census: &mut Census, rules: &Rules, object: Object, round: u32) {
    match object.kind.as_str() {
        "Namespace" => census.namespace(rules, object.metadata, round),
        "Pod" => census.pod(rules, object.metadata, round),
        kind => {
            if let Some(kind) = OwnerKind::named(kind) {
                census.owner(rules, kind, object.metadata, round);
            }
        }
    }
}

fn rules(opt_in: OptIn) -> Rules {
    Rules::of(&AgentSpec {
        opt_in,
        ..AgentSpec::default()
    })
    .unwrap()
}

/// What the filters say of a whole cluster.
fn naive(cluster: &Cluster, rules: &Rules) -> Vec<Proposal> {
    let mut proposals: BTreeMap<OwnerName, Vec<NameHash>> = BTreeMap::new();
    for pod in &cluster.pods {
        let candidate = Candidate::of(pod, cluster, jiff::Timestamp::MAX);
        if let Owner::Known(owner) = &pod.owner
            && candidate.can_be_victim(rules)
        {
            proposals
                .entry(owner.clone())
                .or_default()
                .push(NameHash::of_pod(pod));
        }
    }
    let sorted = |(owner, mut pods): (OwnerName, Vec<NameHash>)| {
        pods.sort_unstable();
        let narrowing = Narrowing::of(&cluster.owners[&owner], rules).unwrap();
        Proposal {
            owner,
            pods,
            narrowing,
        }
    };
    proposals.into_iter().map(sorted).collect()
}

fn words() -> impl Strategy<Value = Vec<Option<&'static str>>> {
    let word = prop::sample::select(vec![
        None,
        None,
        None,
        Some("true"),
        Some("true"),
        Some("false"),
    ]);
    prop::collection::vec(word, 1..50)
}

proptest! {
    #[test]
    fn it_proposes_what_the_filters_let_pass(
        words in words(),
        order in Just((0..51_usize).collect::<Vec<_>>()).prop_shuffle(),
        everybody: bool,
    ) {
        let rules = rules(if everybody { OptIn::None } else { OptIn::Required });
        let mut assembly = Assembly::default();
        for object in objects(&words) {
            let kind = object.kind.clone();
            assembly.add(&kind, object);
        }
        let mut census = Census::default();
        let mut all: Vec<Option<Object>> = objects(&words).into_iter().map(Some).collect();
        for index in order {
            if let Some(object) = all.get_mut(index).and_then(Option::take) {
                take_in(&mut census, &rules, object, 1);
            }
        }
        prop_assert!(all.iter().all(Option::is_none));
        prop_assert_eq!(census.survey(&rules).proposals, naive(&assembly.finish(), &rules));
    }
}

#[test]
fn what_a_new_list_does_not_tell_of_is_gone() {
    let rules = rules(OptIn::None);
    let mut census = Census::default();
    for object in objects(&[None]) {
        take_in(&mut census, &rules, object, 1);
    }
    assert_eq!(census.survey(&rules).proposals.len(), 6);
    // The second list of each kind knows only the shop.
    for object in objects(&[None]) {
        let name = object.metadata.name.clone();
        if name.starts_with("shop") {
            take_in(&mut census, &rules, object, 2);
        }
    }
    census.namespaces_complete(2, None);
    for kind in OwnerKind::ALL {
        census.owners_complete(kind, 2, None);
    }
    census.pods_complete(2, None);
    let left = census.survey(&rules).proposals;
    assert!(
        left.iter().all(|it| it.owner.namespace == "shop"),
        "{left:?}"
    );
    assert_eq!((left.len(), census.pod_count()), (3, 6));
}

#[test]
fn whoever_goes_or_is_withheld_is_forgotten() {
    let rules = rules(OptIn::None);
    let mut census = Census::default();
    for object in objects(&[None]) {
        take_in(&mut census, &rules, object, 1);
    }
    let pod = metadata(
        "Pod",
        "shop",
        "shop-web-0-5d8f-0",
        Some(("ReplicaSet", "shop-web-0-5d8f")),
        None,
    );
    census.forget_pod(&pod.metadata.uid);
    let withheld = metadata(
        "Pod",
        "shop",
        "shop-web-0-5d8f-1",
        Some(("ReplicaSet", "shop-web-0-5d8f")),
        Some("false"),
    );
    take_in(&mut census, &rules, withheld, 1);
    census.forget_owner(OwnerKind::Deployment, "shop", "shop-web-1");
    census.forget_namespace("bank");
    let left: Vec<String> = census
        .survey(&rules)
        .proposals
        .iter()
        .map(|it| it.owner.to_string())
        .collect();
    assert_eq!(left, ["shop/Deployment/shop-web-2"]);
}

#[test]
fn names_of_many_rollouts_are_given_up() {
    let rules = rules(OptIn::None);
    let mut census = Census::default();
    for object in objects(&[None]) {
        take_in(&mut census, &rules, object, 1);
    }
    let before = census.survey(&rules).proposals;
    for number in 0..10 * FORGOTTEN_NAMES {
        let name = format!("old-{number}");
        let behind = Some(("Deployment", "shop-web-0"));
        let set = metadata("ReplicaSet", "shop", &name, behind, None);
        take_in(&mut census, &rules, set, 1);
        census.forget_owner(OwnerKind::ReplicaSet, "shop", &name);
    }
    assert!(
        census.names.len() < 3 * FORGOTTEN_NAMES,
        "{}",
        census.names.len()
    );
    assert_eq!(census.survey(&rules).proposals, before);
}

#[test]
fn owners_that_say_what_nobody_understands_are_not_proposed_but_named() {
    let rules = rules(OptIn::None);
    let mut census = Census::default();
    for object in objects(&[None]) {
        take_in(&mut census, &rules, object, 1);
    }
    let mut says = |mean_time: &str| {
        let mut deployment = metadata("Deployment", "shop", "shop-web-1", None, None);
        let annotation = crate::agent::workload::MEAN_TIME.to_owned();
        let annotations = &mut deployment.metadata.annotations;
        annotations.insert(annotation, mean_time.to_owned());
        take_in(&mut census, &rules, deployment, 1);
        let proposals = census.survey(&rules).proposals;
        let proposal = proposals
            .into_iter()
            .find(|it| it.owner.name == "shop-web-1");
        (proposal.map(|it| it.narrowing), census.misread(&rules))
    };
    let (narrowing, misread) = says("9");
    assert!(narrowing.unwrap().rhythm.is_some());
    assert!(misread.is_empty());
    let (narrowing, misread) = says("often");
    assert_eq!(narrowing, None);
    let names: Vec<&str> = misread.keys().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["shop-web-1"]);
}

#[test]
fn what_a_list_of_one_namespace_does_not_tell_of_is_gone_there_alone() {
    let rules = rules(OptIn::None);
    let mut census = Census::default();
    for object in objects(&[None]) {
        take_in(&mut census, &rules, object, 1);
    }
    census.pods_complete(2, Some("shop"));
    let proposals = census.survey(&rules).proposals;
    assert!(proposals.iter().all(|it| it.owner.namespace == "bank"));
    assert_eq!(proposals.len(), 3);
    census.owners_complete(OwnerKind::Deployment, 2, Some("shop"));
    census.namespaces_complete(2, Some("shop"));
    assert_eq!(census.survey(&rules).proposals, proposals);
    census.owners_complete(OwnerKind::Deployment, 2, Some("bank"));
    assert_eq!(census.survey(&rules).proposals, []);
}
