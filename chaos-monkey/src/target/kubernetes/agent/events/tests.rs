use serde_json::json;

use super::*;
use crate::target::kubernetes::scripted::{self, refusal, with};

#[tokio::test]
async fn each_kill_is_an_event_of_its_own_on_the_pod_and_on_the_owner_by_their_identities() {
    let (client, asked) = scripted::cluster(|line, body, _| {
        if line.starts_with("POST") {
            return with(201, body);
        }
        if !line.contains("replicasets/web") {
            return refusal(404, "NotFound", line);
        }
        with(
            200,
            &json!({
                "metadata": {"name": "web", "uid": "the-set"},
                "spec": {"selector": {"matchLabels": {"app": "web"}}}, "status": {"replicas": 1},
            }),
        )
    });
    let events = Events::new(client, "host-1");
    let news = |pod: &str| News {
        topic: Topic::Killed,
        agent: "platform".to_owned(),
        owner: OwnerName {
            namespace: "shop".to_owned(),
            kind: OwnerKind::ReplicaSet,
            name: "web".to_owned(),
        },
        pod: Some(NamedPod {
            name: pod.to_owned(),
            uid: format!("uid of {pod}"),
        }),
        reason: String::new(),
        at: Timestamp::UNIX_EPOCH,
    };
    events.publish(&news("web-1")).await;
    events.publish(&news("web-2")).await;
    let created: Vec<_> = asked
        .lock()
        .iter()
        .filter(|(line, _)| line.starts_with("POST /apis/events.k8s.io/v1/namespaces/shop/events"))
        .map(|(_, body)| body.clone())
        .collect();
    let told: Vec<(&str, &str)> = created
        .iter()
        .map(|event| {
            let uid = event["regarding"]["uid"].as_str().unwrap_or_default();
            (uid, event["note"].as_str().unwrap_or_default())
        })
        .collect();
    let first = "pod web-1 of shop/ReplicaSet/web was killed";
    let second = "pod web-2 of shop/ReplicaSet/web was killed";
    assert_eq!(
        told,
        [
            ("uid of web-1", first),
            ("the-set", first),
            ("uid of web-2", second),
            ("the-set", second),
        ]
    );
    let names: std::collections::BTreeSet<&str> = created
        .iter()
        .filter_map(|event| event["metadata"]["name"].as_str())
        .collect();
    assert_eq!(names.len(), 4);
}
