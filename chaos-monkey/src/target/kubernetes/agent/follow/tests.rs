use jiff::SignedDuration;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::*;
use crate::schema::AgentSpec;
use crate::target::kubernetes::agent::settings;
use crate::target::kubernetes::agent::tests::shared;
use crate::target::kubernetes::scripted::{self, Asked, refusal, with};

/// A kill of an agent, so many seconds ago.
fn kill(name: &str, agent: &str, owner: &str, seconds: i64) -> Value {
    let at = Timestamp::now() - SignedDuration::from_secs(seconds);
    json!({
        "kill": name, "agent": agent, "occasion": name, "pod": "p", "podUid": "u",
        "owner": {"namespace": "shop", "kind": "Deployment", "name": owner},
        "at": at, "notAfter": at, "outcome": "killed", "isWhole": false,
    })
}

/// A record of a kill, so many days ago.
fn record(name: &str, days: i64) -> Value {
    let at = Timestamp::now() - SignedDuration::from_hours(24 * days);
    let mut spec = kill(name, "platform", "gone", 0);
    spec["at"] = json!(at);
    spec["notAfter"] = json!(at);
    spec["method"] = "evict".into();
    json!({
        "apiVersion": "chaos.aplomb.dev/v1alpha1", "kind": "Kill",
        "metadata": {"name": name}, "spec": spec,
    })
}

/// A Deployment that wants two pods and has one that is ready.
fn half() -> Value {
    json!({
        "metadata": {"name": "half", "namespace": "shop", "uid": "half", "generation": 1},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": "half"}},
            "template": {"metadata": {}, "spec": {"containers": []}},
        },
        "status": {"observedGeneration": 1, "replicas": 2, "readyReplicas": 1},
    })
}

/// A follower of these kills; `gone` is an owner that is no more, `hidden` one that nobody may
/// read, and `half` one that is not whole.
async fn follower(kills: &[Value]) -> (Arc<Follower>, Arc<Shared>, Asked) {
    let ledger = Mutex::new(json!({
        "metadata": {"name": "chaos-ledger", "resourceVersion": "1"}, "spec": {"kills": kills},
    }));
    let (client, asked) = scripted::cluster(move |line, body, _| {
        let mut ledger = ledger.lock();
        match line.split('?').next().unwrap_or_default() {
            path if path.contains("chaos-ledger") => {
                if path.starts_with("PUT") {
                    *ledger = body.clone();
                }
                with(200, &ledger)
            }
            path if path.ends_with("/namespaces/shop") => {
                with(200, &json!({"metadata": {"name": "shop"}}))
            }
            path if path.starts_with("POST") => with(200, body),
            path if path.starts_with("DELETE") => {
                let status = json!({"apiVersion": "v1", "kind": "Status", "status": "Success"});
                with(200, &status)
            }
            path if path.ends_with("/kills") => {
                let records = [record("kept", 29), record("held", 31), record("old", 31)];
                with(200, &json!({"metadata": {}, "items": records}))
            }
            path if path.ends_with("/half") => with(200, &half()),
            path if ["poddisruptionbudgets", "pods", "replicasets"]
                .iter()
                .any(|kind| path.ends_with(kind)) =>
            {
                with(200, &json!({"metadata": {}, "items": []}))
            }
            path if path.ends_with("/hidden") => refusal(403, "Forbidden", "may not"),
            _ => refusal(404, "NotFound", "it is not there"),
        }
    });
    let (shared, mut watching) = shared(client).await;
    watching.shutdown().await;
    (Follower::new(Arc::clone(&shared)), shared, asked)
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_looked_at_keeps_no_other_from_it() {
    let kills = [
        kill("a", "platform", "hidden", 5),
        kill("b", "platform", "gone", 5),
    ];
    let (follower, shared, _) = follower(&kills).await;
    let mut seen = Seen::default();
    assert_eq!(follower.round(&mut seen).await.unwrap(), 1);
    assert_eq!(shared.metrics.open_kills.get(), 1);
    let ledger = shared.ledger().get().await.unwrap().unwrap();
    let is_whole: Vec<bool> = ledger.spec().kills.iter().map(|it| it.is_whole).collect();
    assert_eq!(is_whole, [false, true]);
}

#[tokio::test(start_paused = true)]
async fn kills_of_another_agent_are_left_to_it_for_a_while_and_never_measured() {
    let (follower, shared, _) = follower(&[kill("a", "other", "gone", 5)]).await;
    let mut seen = Seen::default();
    assert_eq!(follower.round(&mut seen).await.unwrap(), 1);
    tokio::time::advance(OTHERS_AFTER).await;
    assert_eq!(follower.round(&mut seen).await.unwrap(), 0);
    assert_eq!(shared.metrics.recovery_seconds.get_sample_count(), 0);
    // One by hand is nobody's, so that each agent looks at once.
    let (follower, _, _) = self::follower(&[kill("a", BY_HAND, "gone", 5)]).await;
    assert_eq!(follower.round(&mut Seen::default()).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn how_long_an_owner_took_is_measured_by_whoever_has_seen_it_before() {
    for (agent, is_seen_before, count) in [
        ("platform", true, 1),
        ("platform", false, 0),
        (BY_HAND, true, 1),
    ] {
        let (follower, shared, _) = follower(&[kill("a", agent, "gone", 5)]).await;
        let mut seen = Seen::default();
        if is_seen_before {
            seen.looked_at.insert("a".to_owned());
        }
        assert_eq!(follower.round(&mut seen).await.unwrap(), 0);
        assert_eq!(shared.metrics.recovery_seconds.get_sample_count(), count);
    }
}

/// What was asked for with this method.
fn asked_by(asked: &Asked, method: &str) -> Vec<String> {
    let asked = asked.lock();
    let lines = asked.iter().map(|(line, _)| line);
    lines
        .filter(|line| line.starts_with(method))
        .cloned()
        .collect()
}

#[tokio::test(start_paused = true)]
async fn records_that_are_old_and_in_no_ledger_are_taken_away_by_whoever_leads() {
    let (follower, shared, asked) = follower(&[kill("held", "platform", "half", 5)]).await;
    follower.prune().await.unwrap();
    assert_eq!(asked_by(&asked, "DELETE"), Vec::<String>::new());
    shared.election.step().await.unwrap();
    follower.prune().await.unwrap();
    let deleted = asked_by(&asked, "DELETE");
    assert_eq!(deleted.len(), 1, "{deleted:?}");
    assert!(deleted[0].contains("/kills/old"), "{deleted:?}");
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_is_late_is_told_of_once_and_halts_everything_if_that_is_wanted() {
    for (agent, minutes_ago, wants_halt, late, halts) in [
        ("platform", 4, true, 0, 0),
        ("platform", 6, false, 1, 0),
        ("platform", 6, true, 1, 1),
        // Whoever kills by hand need not wait for it.
        (BY_HAND, 6, true, 1, 1),
    ] {
        let kill = kill("a", agent, "half", 60 * minutes_ago);
        let (follower, shared, asked) = follower(&[kill]).await;
        let mut spec = AgentSpec::default();
        spec.recovery.halt = wants_halt;
        let rules = settings::rules_of(&spec, None).unwrap();
        shared.going.write().rules = Arc::new(rules);
        let mut seen = Seen::default();
        for _ in 0..3 {
            assert_eq!(follower.round(&mut seen).await.unwrap(), 1);
        }
        assert_eq!(shared.metrics.late.get(), late, "{minutes_ago} minutes ago");
        let created = asked_by(&asked, "POST");
        let halted = created.iter().filter(|it| it.contains("/configmaps"));
        assert_eq!(halted.count(), halts, "{created:?}");
    }
}
