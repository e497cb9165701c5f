//! A cluster that answers as a watch of it can be answered: with what has changed, with nothing,
//! with half of it, or not at all.

use prost::Message as _;
use serde_json::{Value, json};

use super::*;
use crate::schema::{AgentSpec, OptIn};
use crate::target::kubernetes::scripted::{self, Asked, Reply, refusal};

/// Settings that let every pod be proposed that has an owner, in the only namespace there is.
fn watches() -> Arc<Watches> {
    let rules = Rules::of(&AgentSpec {
        opt_in: OptIn::None,
        ..AgentSpec::default()
    });
    Watches::new(Arc::new(rules.unwrap()))
}

fn metadata(name: &str, owner: Option<(&str, &str)>) -> protobuf::Metadata {
    protobuf::Metadata {
        name: name.to_owned(),
        namespace: if name == "shop" { "" } else { "shop" }.to_owned(),
        uid: format!("{:032x}", crate::hash::fnv1a(name.as_bytes())),
        resource_version: "10".to_owned(),
        owners: owner
            .into_iter()
            .map(|(kind, name)| protobuf::OwnerReference {
                kind: kind.to_owned(),
                name: name.to_owned(),
                uid: String::new(),
                controller: true,
            })
            .collect(),
        ..protobuf::Metadata::default()
    }
}

/// A list as the API writes it.
#[derive(Clone, PartialEq, prost::Message)]
struct List {
    #[prost(message, tag = "1")]
    metadata: Option<protobuf::ListMetadata>,
    #[prost(message, repeated, tag = "2")]
    items: Vec<protobuf::Item>,
}

pub(super) fn list_of(all: &[protobuf::Metadata], next: &str) -> Vec<u8> {
    let item = |it: &protobuf::Metadata| protobuf::Item {
        metadata: Some(it.clone()),
    };
    let list = List {
        metadata: Some(protobuf::ListMetadata {
            resource_version: "10".to_owned(),
            next: next.to_owned(),
        }),
        items: all.iter().map(item).collect(),
    };
    in_protobuf(&list)
}

fn list(all: &[protobuf::Metadata]) -> Reply {
    Reply::Bytes(200, list_of(all, ""))
}

/// A list of nothing, for an agent in a cluster where nothing runs.
pub(in crate::target::kubernetes) fn nothing() -> Reply {
    list(&[])
}

fn in_protobuf(message: &impl prost::Message) -> Vec<u8> {
    let envelope = protobuf::Envelope {
        raw: message.encode_to_vec(),
    };
    let mut body = b"k8s\0".to_vec();
    body.extend(envelope.encode_to_vec());
    body
}

fn forbidden() -> Reply {
    let status = protobuf::Status {
        message: "pods is forbidden".to_owned(),
    };
    Reply::Bytes(403, in_protobuf(&status))
}

/// A namespace with a StatefulSet, whose pods the test answers for.
fn shop(pods: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> (Client, Asked) {
    let asked_before = std::sync::atomic::AtomicUsize::new(0);
    scripted::cluster(move |line, _, _| {
        if line.contains("/pods") {
            let before = asked_before.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            return pods(line, before);
        }
        if line.contains("watch=true") {
            return Reply::Never;
        }
        if line.contains("/namespaces") {
            return list(&[metadata("shop", None)]);
        }
        if line.contains("/statefulsets") {
            return list(&[metadata("web", None)]);
        }
        list(&[])
    })
}

fn pod(name: &str) -> protobuf::Metadata {
    metadata(name, Some(("StatefulSet", "web")))
}

fn event(kind: &str, name: &str, version: &str) -> String {
    let uid = format!("{:032x}", crate::hash::fnv1a(name.as_bytes()));
    let owner = json!({"kind": "StatefulSet", "name": "web", "uid": "", "controller": true});
    let metadata = json!({
        "name": name, "namespace": "shop", "uid": uid, "resourceVersion": version,
        "ownerReferences": [owner],
    });
    let event = json!({"type": kind, "object": {"metadata": metadata}});
    format!("{event}\n")
}

fn lines_about_pods(asked: &Asked) -> Vec<String> {
    let asked = asked.lock();
    let lines = asked.iter().map(|(line, _): &(String, Value)| line);
    lines
        .filter(|line| line.contains("/pods"))
        .cloned()
        .collect()
}

/// Watches for a while, then says how many pods are known.
async fn known(client: Client, seconds: u64) -> (Arc<Watches>, usize) {
    let watches = watches();
    let running = tokio::spawn({
        let watches = Arc::clone(&watches);
        async move { watches.run(client).await }
    });
    sleep(Duration::from_secs(seconds)).await;
    running.abort();
    let count = watches.pod_count();
    (watches, count)
}

#[tokio::test(start_paused = true)]
async fn a_list_and_changes_make_the_census() {
    let (client, asked) = shop(|line, _| {
        if line.contains("resourceVersion=10&") || line.ends_with("resourceVersion=10") {
            let text = event("ADDED", "web-3", "11") + &event("DELETED", "web-1", "12");
            return Reply::With(200, text);
        }
        if line.contains("watch=true") {
            return Reply::Never;
        }
        list(&[pod("web-0"), pod("web-1"), pod("web-2")])
    });
    let (watches, count) = known(client, 3).await;
    assert!(watches.is_complete());
    assert_eq!(count, 3);
    assert_eq!(watches.survey().proposals[0].pods.len(), 3);
    // It goes on from the last version that it was told.
    let lines = lines_about_pods(&asked);
    assert!(
        lines.last().unwrap().contains("resourceVersion=12"),
        "{lines:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_cluster_has_forgotten_is_listed_anew() {
    let gone =
        json!({"type": "ERROR", "object": scripted::status("Failure", 410, "Expired", "too old")});
    for reply in [
        Reply::With(200, gone.to_string()),
        refusal(410, "Expired", "too old"),
    ] {
        let (client, asked) =
            shop(
                move |line, before| match (line.contains("watch=true"), before) {
                    (true, 1) => reply.clone(),
                    (true, _) => Reply::Never,
                    (false, 0) => list(&[pod("web-0"), pod("web-1")]),
                    (false, _) => list(&[pod("web-1")]),
                },
            );
        let (watches, count) = known(client, 5).await;
        assert_eq!(count, 1);
        assert_eq!(watches.survey().proposals.len(), 1);
        assert_eq!(lines_about_pods(&asked).len(), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_fails_goes_on_from_where_it_was() {
    for reply in [
        refusal(500, "InternalError", "etcd"),
        refusal(429, "TooManyRequests", "later"),
        Reply::With(200, event("ADDED", "web-1", "11") + "{\"type\": \"ADD"),
        Reply::Never,
    ] {
        let is_stalled = matches!(reply, Reply::Never);
        let (client, asked) =
            shop(
                move |line, before| match (line.contains("watch=true"), before) {
                    (true, 1) => reply.clone(),
                    (true, 2) => Reply::With(200, event("ADDED", "web-1", "11")),
                    (true, _) => Reply::Never,
                    (false, _) => list(&[pod("web-0")]),
                },
            );
        let (_, count) = known(client, if is_stalled { 200 } else { 10 }).await;
        assert_eq!(count, 2);
        let lists = lines_about_pods(&asked);
        let lists = lists.iter().filter(|line| !line.contains("watch=true"));
        assert_eq!(lists.count(), 1, "nothing was listed anew");
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_list_is_not_complete_and_is_tried_again() {
    let whole = list_of(&[pod("web-0"), pod("web-1")], "");
    let half = whole[..whole.len() / 2].to_vec();
    for reply in [
        Reply::Never,
        refusal(500, "InternalError", "etcd"),
        Reply::With(200, "{\"kind\": \"PodList\"}".to_owned()),
        Reply::Bytes(200, b"k8s\0\x12\xff\xff".to_vec()),
        Reply::Bytes(200, Vec::new()),
        Reply::Bytes(200, half),
        Reply::Bytes(200, list_of(&[pod("web-0")], "more")),
        Reply::Stalls(200, whole[..whole.len() - 9].to_vec()),
        forbidden(),
    ] {
        let fails = reply.clone();
        let (client, _) = shop(move |_, _| fails.clone());
        let (watches, _) = known(client, 20).await;
        assert!(!watches.is_complete(), "{reply:?}");
        let (client, _) = shop(
            move |line, before| match (line.contains("watch=true"), before) {
                (true, _) => Reply::Never,
                (false, 0) => reply.clone(),
                (false, _) => list(&[pod("web-1")]),
            },
        );
        let (watches, count) = known(client, 100).await;
        assert!(watches.is_complete());
        assert_eq!(count, 1, "what half a list told of is forgotten");
    }
}

#[tokio::test]
async fn what_a_refusal_says_is_told() {
    let source = Source {
        listed: Listed::Pods,
        namespace: None,
    };
    for reply in [
        refusal(403, "Forbidden", "pods is forbidden"),
        forbidden(),
        Reply::With(403, "pods is forbidden\n".to_owned()),
    ] {
        let (client, _) = scripted::cluster(move |_, _, _| reply.clone());
        let error = whole_list::read(&client, &source, |_| ())
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "list /api/v1/pods: pods is forbidden");
        assert_eq!(error.code(), 403);
    }
}

#[tokio::test(start_paused = true)]
async fn named_namespaces_are_watched_alone_and_read_by_name() {
    let mut spec = AgentSpec {
        opt_in: OptIn::None,
        ..AgentSpec::default()
    };
    spec.namespaces.only = vec!["shop".to_owned(), "bank".to_owned()];
    let watches = Watches::new(Arc::new(Rules::of(&spec).unwrap()));
    let (client, asked) = scripted::cluster(|line, _, _| {
        if line.contains("watch=true") {
            return Reply::Never;
        }
        if line.ends_with("/namespaces/shop") {
            return scripted::with(200, &json!({"metadata": {"name": "shop"}}));
        }
        if line.ends_with("/namespaces/bank") {
            return refusal(404, "NotFound", "no such namespace");
        }
        if line.contains("/namespaces/shop/statefulsets") {
            return list(&[metadata("web", None)]);
        }
        if line.contains("/namespaces/shop/pods") {
            return list(&[pod("web-0")]);
        }
        list(&[])
    });
    let running = tokio::spawn({
        let watches = Arc::clone(&watches);
        async move { watches.run(client).await }
    });
    sleep(Duration::from_secs(3)).await;
    running.abort();
    assert!(watches.is_complete());
    assert_eq!(watches.survey().proposals.len(), 1);
    let asked = asked.lock();
    let is_of_one =
        |line: &String| line.contains("/namespaces/shop") || line.contains("/namespaces/bank");
    assert!(asked.iter().all(|(line, _)| is_of_one(line)), "{asked:?}");
}
