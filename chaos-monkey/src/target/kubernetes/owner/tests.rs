use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

fn object<K: DeserializeOwned>(spec: &Value, status: &Value) -> K {
    let mut spec = spec.clone();
    spec["selector"] = json!({"matchLabels": {"app": "web"}});
    spec["template"] = json!({"metadata": {}, "spec": {"containers": []}});
    let mut status = status.clone();
    status["observedGeneration"] = 2.into();
    let metadata = json!({"name": "web", "namespace": "shop", "uid": "u", "generation": 2});
    let text = json!({"metadata": metadata, "spec": spec, "status": status}).to_string();
    serde_json::from_str(&text).unwrap()
}

fn told(state: &OwnerState) -> (&str, u32) {
    (
        state.rollout.as_deref().unwrap_or_default(),
        state.unavailable,
    )
}

#[test]
fn a_deployment_is_rolled_out_when_kubectl_says_so() {
    let late =
        json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]);
    for (status, rollout, unavailable) in [
        (
            json!({"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}),
            "",
            0,
        ),
        (
            json!({"replicas": 3, "updatedReplicas": 1, "availableReplicas": 3}),
            "1 of 3 pods are new",
            0,
        ),
        (
            json!({"replicas": 4, "updatedReplicas": 3, "availableReplicas": 3}),
            "1 old pods are left",
            0,
        ),
        // All are new, as with `Recreate`, and none of them serves yet.
        (json!({"replicas": 3, "updatedReplicas": 3}), "", 3),
        (
            json!({"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3, "conditions": late}),
            "it has exceeded its deadline",
            0,
        ),
    ] {
        let it = deployment(&object::<Deployment>(&json!({"replicas": 3}), &status));
        assert_eq!(told(&it.state), (rollout, unavailable), "{status}");
        assert!(!it.state.is_stale);
    }
    let mut changed: Deployment = object(&json!({"replicas": 3}), &json!({}));
    changed.metadata.generation = Some(3);
    assert!(deployment(&changed).state.is_stale);
}

#[test]
fn a_stateful_set_is_rolled_out_when_its_revision_is_the_current_one() {
    let revisions = |updated: u32, current: &str| {
        json!({
            "replicas": 3, "readyReplicas": 3, "updatedReplicas": updated,
            "updateRevision": "b", "currentRevision": current,
        })
    };
    let partition = json!({
        "replicas": 3, "serviceName": "",
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}},
    });
    let on_delete =
        json!({"replicas": 3, "serviceName": "", "updateStrategy": {"type": "OnDelete"}});
    let plain = json!({"replicas": 3, "serviceName": ""});
    for (spec, status, is_rolling) in [
        (&plain, revisions(3, "b"), false),
        (&plain, revisions(2, "a"), true),
        // All are new, and the last one is not ready yet.
        (&plain, revisions(3, "a"), true),
        (&partition, revisions(0, "a"), true),
        (&partition, revisions(1, "a"), false),
        (&on_delete, revisions(1, "a"), false),
    ] {
        let it = stateful_set(&object::<StatefulSet>(spec, &status));
        assert_eq!(it.state.rollout.is_some(), is_rolling, "{spec} {status}");
    }
}

#[test]
fn a_daemon_set_is_rolled_out_when_all_new_pods_are_available() {
    let status = |updated: u32, available: u32| {
        json!({
            "currentNumberScheduled": 3, "desiredNumberScheduled": 3, "numberMisscheduled": 0,
            "numberReady": 3, "updatedNumberScheduled": updated, "numberAvailable": available,
        })
    };
    let on_delete = json!({"updateStrategy": {"type": "OnDelete"}});
    for (spec, status, rollout, unavailable) in [
        (json!({}), status(3, 3), "", 0),
        (json!({}), status(1, 3), "1 of 3 pods are new", 0),
        (json!({}), status(3, 1), "", 2),
        (on_delete, status(1, 1), "", 0),
    ] {
        let it = daemon_set(&object::<DaemonSet>(&spec, &status));
        assert_eq!(told(&it.state), (rollout, unavailable), "{spec} {status}");
    }
}

#[test]
fn a_controller_behind_a_controller_is_known() {
    let mut set: ReplicaSet = object(&json!({"replicas": 1}), &json!({"replicas": 1}));
    let name = OwnerName {
        namespace: "shop".to_owned(),
        kind: OwnerKind::ReplicaSet,
        name: "web".to_owned(),
    };
    assert_eq!(replica_set(&set).of_pods(&name), Owner::Known(name.clone()));
    let references = json!([{
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": "r",
        "controller": true,
    }]);
    set.metadata.owner_references = serde_json::from_str(&references.to_string()).unwrap();
    assert_eq!(
        replica_set(&set).of_pods(&name),
        Owner::Unknown("Rollout `web` behind shop/ReplicaSet/web".to_owned())
    );
}
