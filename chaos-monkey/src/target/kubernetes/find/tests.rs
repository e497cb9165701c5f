use serde_json::{Value, json};

use super::*;
use crate::agent::Rules;
use crate::agent::filter;
use crate::schema::AgentSpec;
use crate::target::kubernetes::scripted::{self, refusal, with};

/// An object with a controller, if it has one.
fn object(name: &str, owner: Option<(&str, &str)>) -> Value {
    let reference = |(kind, name): (&str, &str)| {
        json!({
            "apiVersion": "v1", "kind": kind, "name": name, "uid": name, "controller": true,
        })
    };
    let references: Vec<Value> = owner.into_iter().map(reference).collect();
    json!({
        "metadata": {"name": name, "namespace": "shop", "uid": name, "ownerReferences": references},
        "spec": {
            "selector": {"matchLabels": {}}, "serviceName": "",
            "template": {"metadata": {}, "spec": {"containers": []}},
        },
        "status": {"replicas": 1},
    })
}

async fn found(name: &str) -> Result<Found, NotFound> {
    let (client, _) = scripted::cluster(|line, _, _| {
        let path = line.split('?').next().unwrap_or_default();
        match path.rsplit('/').next().unwrap_or_default() {
            "shop" => with(200, &json!({"metadata": {"name": "shop"}})),
            "pod-of-set" => with(200, &object("pod-of-set", Some(("ReplicaSet", "web-1")))),
            "web-1" => with(200, &object("web-1", Some(("Deployment", "web")))),
            "web" => with(200, &object("web", None)),
            "pod-of-operator" => with(
                200,
                &object("pod-of-operator", Some(("StatefulSet", "kafka"))),
            ),
            "kafka" => with(200, &object("kafka", Some(("Kafka", "cluster")))),
            "bare" => with(200, &object("bare", None)),
            "orphan" => with(200, &object("orphan", Some(("ReplicaSet", "gone")))),
            _ => refusal(404, "NotFound", "it is not there"),
        }
    });
    let connection = Connection {
        client,
        context: "scripted".to_owned(),
        namespace: "shop".to_owned(),
    };
    pod(&connection, name).await
}

#[tokio::test]
async fn the_topmost_controller_is_found_as_the_census_finds_it() {
    let of_set = found("pod-of-set").await.unwrap();
    assert_eq!(of_set.owner().unwrap().to_string(), "shop/Deployment/web");
    for (name, why) in [
        ("pod-of-operator", "Kafka `cluster`"),
        ("bare", "no controller"),
        ("orphan", "ReplicaSet `gone`, which is not there"),
    ] {
        let found = found(name).await.unwrap();
        let said = found.owner().unwrap_err();
        assert!(said.contains(why), "{name}: {said}");
        // Every filter can be asked of it all the same.
        let rules = Rules::of(&AgentSpec::default()).unwrap();
        let veto = filter::first_veto(&rules, &found.candidate());
        assert!(veto.is_some());
    }
    assert!(matches!(found("nobody").await, Err(NotFound::NoPod(name)) if name == "shop/nobody"));
}
