use jiff::SignedDuration;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::*;
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

/// A follower of these kills; `gone` is an owner that is no more, and `hidden` one that nobody may
/// read.
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
            path if path.ends_with("poddisruptionbudgets") => {
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
    for (is_seen_before, count) in [(true, 1), (false, 0)] {
        let (follower, shared, _) = follower(&[kill("a", "platform", "gone", 5)]).await;
        let mut seen = Seen::default();
        if is_seen_before {
            seen.looked_at.insert("a".to_owned());
        }
        assert_eq!(follower.round(&mut seen).await.unwrap(), 0);
        assert_eq!(shared.metrics.recovery_seconds.get_sample_count(), count);
    }
}
