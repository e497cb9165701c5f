use serde_json::{Value, json};

use super::*;
use crate::target::kubernetes::scripted::{self, Reply, refusal, with};

fn listing() -> Listing {
    Listing::metadata_of("/api/v1/pods".to_owned())
}

fn page(names: &[&str], next: &str) -> Reply {
    let items: Vec<Value> = names
        .iter()
        .map(|name| json!({"metadata": {"name": name}}))
        .collect();
    with(
        200,
        &json!({"metadata": {"continue": next}, "items": items}),
    )
}

fn names(objects: &[Object]) -> Vec<&str> {
    objects
        .iter()
        .map(|object| object.metadata.name.as_str())
        .collect()
}

#[tokio::test]
async fn pages_are_put_together() {
    let (client, asked) = scripted::cluster(|line, _, _| {
        if line.contains("continue=more") {
            page(&["c"], "")
        } else {
            page(&["a", "b"], "more")
        }
    });
    assert_eq!(
        names(&listing().all(&client).await.unwrap()),
        ["a", "b", "c"]
    );
    assert_eq!(asked.lock().len(), 2);
}

#[tokio::test]
async fn an_empty_list_may_be_null() {
    let (client, _) =
        scripted::cluster(|_, _, _| with(200, &json!({"metadata": {}, "items": null})));
    assert_eq!(listing().all(&client).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_list_whose_next_page_has_expired_is_begun_anew() {
    let (client, _) =
        scripted::cluster(
            |line, _, before| match (line.contains("continue"), before) {
                (false, _) => page(&["a"], "more"),
                (true, 1) => refusal(410, "Expired", "the continue token is too old"),
                (true, _) => page(&["b"], ""),
            },
        );
    assert_eq!(names(&listing().all(&client).await.unwrap()), ["a", "b"]);
    let (client, asked) = scripted::cluster(|line, _, _| {
        if line.contains("continue") {
            refusal(410, "Expired", "the continue token is too old")
        } else {
            page(&["a"], "more")
        }
    });
    let error = listing().all(&client).await.unwrap_err();
    assert!(error.to_string().contains("too old"), "{error}");
    assert_eq!(asked.lock().len() as u32, 2 * BEGINNINGS);
}

#[tokio::test(start_paused = true)]
async fn half_a_list_is_none() {
    for (reply, reason) in [
        (Reply::Never, "no answer within 5 s"),
        (refusal(500, "InternalError", "etcd"), "etcd"),
        (
            Reply::With(200, "{\"items\": [{\"meta".to_owned()),
            "list /api/v1/pods",
        ),
    ] {
        let (client, _) = scripted::cluster(move |line, _, _| {
            if line.contains("continue") {
                reply.clone()
            } else {
                page(&["a"], "more")
            }
        });
        let error = listing().all(&client).await.unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}
