use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::*;
use crate::agent::cluster::OwnerName;
use crate::schema::OwnerKind;
use crate::target::kubernetes::scripted::{self, Reply, refusal, with};

/// A kill whose agent had 30 seconds, reserved so many seconds ago by the clock of that agent.
fn entry(seconds_ago: i64, outcome: Option<KillOutcome>) -> LedgerEntry {
    let at = Timestamp::now() - SignedDuration::from_secs(seconds_ago);
    LedgerEntry {
        kill: "k".to_owned(),
        agent: "platform".to_owned(),
        occasion: "k".to_owned(),
        owner: OwnerName {
            namespace: "shop".to_owned(),
            kind: OwnerKind::StatefulSet,
            name: "db".to_owned(),
        },
        pod: "db-0".to_owned(),
        pod_uid: "victim".to_owned(),
        at,
        not_after: at + SignedDuration::from_secs(30),
        outcome,
        is_whole: false,
    }
}

/// What was written: the kills of the ledger, and the status of the record.
type Written = Arc<Mutex<(Value, Value)>>;

/// Follows a kill of an owner of two pods, one of which has this identity, and may be about to end.
async fn followed(
    entry: &LedgerEntry,
    pods: &'static [(&'static str, bool)],
    ready: u32,
    known: Known,
) -> (Standing, Written) {
    let written: Written = Arc::new(Mutex::new((json!([entry]), Value::Null)));
    let held = Arc::clone(&written);
    let (client, _) = scripted::cluster(move |line, body, _| reply(&held, pods, ready, line, body));
    let connection = Connection {
        client,
        context: "scripted".to_owned(),
        namespace: "default".to_owned(),
    };
    let standing = follow(&connection, "home", entry, known).await.unwrap();
    (standing, written)
}

fn reply(written: &Written, pods: &[(&str, bool)], ready: u32, line: &str, body: &Value) -> Reply {
    let (verb, path) = line.split_once(' ').unwrap();
    let path = path.split('?').next().unwrap();
    let mut written = written.lock();
    match (verb, path.rsplit('/').next().unwrap()) {
        ("GET", "shop") => with(200, &json!({"metadata": {"name": "shop"}})),
        ("GET", "poddisruptionbudgets") => with(200, &json!({"metadata": {}, "items": []})),
        ("GET", "db") => with(
            200,
            &json!({
                "metadata": {"name": "db", "namespace": "shop", "uid": "set", "generation": 1},
                "spec": {
                    "replicas": 2, "selector": {"matchLabels": {"app": "db"}}, "serviceName": "db",
                    "template": {"metadata": {}, "spec": {"containers": []}},
                },
                "status": {"observedGeneration": 1, "replicas": 2, "readyReplicas": ready},
            }),
        ),
        ("GET", "pods") => {
            let pod = |(number, (uid, ends)): (usize, &(&str, bool))| {
                let ends = ends.then_some("2026-01-01T00:00:00Z");
                json!({
                    "metadata": {
                        "name": format!("db-{number}"), "namespace": "shop", "uid": uid,
                        "deletionTimestamp": ends, "ownerReferences": [{
                            "kind": "StatefulSet", "name": "db", "uid": "set", "controller": true,
                        }],
                    },
                    "status": {
                        "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
                    },
                })
            };
            let pods: Vec<Value> = pods.iter().enumerate().map(pod).collect();
            with(200, &json!({"metadata": {}, "items": pods}))
        }
        ("GET", "chaos-ledger") => with(
            200,
            &json!({
                "metadata": {"name": "chaos-ledger", "resourceVersion": "1"},
                "spec": {"kills": written.0},
            }),
        ),
        ("PUT", "chaos-ledger") => {
            written.0 = body["spec"]["kills"].clone();
            with(200, body)
        }
        ("PATCH", "status") => {
            written.1 = body["status"].clone();
            with(
                200,
                &json!({
                    "metadata": {"name": "k"}, "status": body["status"], "spec": {
                        "agent": "platform", "at": "2026-01-01T00:00:00Z",
                        "notAfter": "2026-01-01T00:00:00Z", "pod": "db-0", "podUid": "victim",
                        "method": "evict",
                        "owner": {"namespace": "shop", "kind": "StatefulSet", "name": "db"},
                    },
                }),
            )
        }
        _ => refusal(405, "MethodNotAllowed", line),
    }
}

const NEW: &[(&str, bool)] = &[("new", false), ("other", false)];
const LIVES: &[(&str, bool)] = &[("victim", false), ("other", false)];
const ENDS: &[(&str, bool)] = &[("victim", true), ("other", false)];

/// Known since so many seconds.
async fn known_for(seconds: u64) -> Known {
    let known = Known::now();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    Known {
        is_first_look: false,
        ..known
    }
}

#[tokio::test(start_paused = true)]
async fn a_kill_of_unknown_outcome_is_waited_out_by_a_clock_that_nobody_sets() {
    // By the clock of its agent it is over for an hour, and by another one it begins in an hour.
    for seconds_ago in [3_600, -3_600] {
        let entry = entry(seconds_ago, None);
        for seconds in [0, 34] {
            let known = known_for(seconds).await;
            let (standing, written) = followed(&entry, LIVES, 2, known).await;
            assert_eq!(standing, Standing::UnderWay);
            assert_eq!(written.lock().1, Value::Null);
        }
        let (standing, _) = followed(&entry, LIVES, 2, known_for(35).await).await;
        assert_eq!(standing, Standing::NotSent);
    }
}

#[tokio::test(start_paused = true)]
async fn the_victim_tells_what_became_of_it() {
    for (pods, outcome, is_kept) in [
        (LIVES, "notSent", false),
        (ENDS, "killed", true),
        (NEW, "killed", true),
    ] {
        let (_, written) = followed(&entry(40, None), pods, 2, known_for(40).await).await;
        let written = written.lock();
        assert_eq!(written.0[0].is_object(), is_kept, "{outcome}");
        if is_kept {
            assert_eq!(written.0[0]["outcome"], outcome);
        }
        if pods != NEW {
            assert_eq!(written.1["outcome"], outcome);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_kill_whose_victim_lives_counts_and_is_closed() {
    let entry = entry(0, Some(KillOutcome::Unknown));
    let (standing, _) = followed(&entry, LIVES, 2, known_for(10).await).await;
    assert_eq!(
        standing,
        Standing::NotWhole("`db-0` is not gone".to_owned())
    );
    let (standing, written) = followed(&entry, LIVES, 2, known_for(35).await).await;
    assert_eq!(standing, Standing::Survived);
    let kill = written.lock().0[0].clone();
    assert_eq!(
        (&kill["outcome"], &kill["isWhole"]),
        (&json!("unknown"), &json!(true))
    );
    // One that is about to end was killed, however long that takes.
    let (standing, _) = followed(&entry, ENDS, 2, known_for(35).await).await;
    assert!(matches!(standing, Standing::NotWhole(_)), "{standing:?}");
}

#[tokio::test(start_paused = true)]
async fn an_owner_is_whole_when_its_victim_is_gone_and_it_says_so_itself() {
    let killed = Some(KillOutcome::Killed);
    let (standing, written) = followed(&entry(8, killed), NEW, 2, known_for(1).await).await;
    let Standing::Whole { seconds } = standing else {
        panic!("{standing:?}");
    };
    assert!((8.0..20.0).contains(&seconds), "{seconds}");
    assert_eq!(written.lock().0[0]["isWhole"], true);
    let after = written.lock().1["wholeAfter"].as_str().unwrap().to_owned();
    assert!(!after.starts_with('<'), "{after}");
    // Who comes later only knows how long at most.
    let (_, written) = followed(&entry(8, killed), NEW, 2, Known::now()).await;
    let after = written.lock().1["wholeAfter"].as_str().unwrap().to_owned();
    assert!(after.starts_with('<'), "{after}");
    // From a clock that is fast it was no negative time.
    let (standing, _) = followed(&entry(-60, killed), NEW, 2, known_for(1).await).await;
    assert_eq!(standing, Standing::Whole { seconds: 0.0 });
    for (pods, ready, reason) in [
        (LIVES, 2, "`db-0` is not gone"),
        (&NEW[..1], 1, "1 of 2 pods are ready"),
        (NEW, 1, "the owner has not noticed its new pod"),
    ] {
        let (standing, _) = followed(&entry(8, killed), pods, ready, known_for(1).await).await;
        assert_eq!(standing, Standing::NotWhole(reason.to_owned()));
    }
}

/// Catches up with one kill, whose victim may live; gives what is left of it in the ledger, and how
/// long that took.
async fn caught_up(
    entry: &LedgerEntry,
    pods: &'static [(&'static str, bool)],
) -> (Value, Duration) {
    let written: Written = Arc::new(Mutex::new((json!([entry]), Value::Null)));
    let held = Arc::clone(&written);
    let (client, _) = scripted::cluster(move |line, body, _| reply(&held, pods, 2, line, body));
    let connection = Connection {
        client,
        context: "scripted".to_owned(),
        namespace: "default".to_owned(),
    };
    let begin = Instant::now();
    catch_up(&connection, "home").await.unwrap();
    let left = written.lock().0.clone();
    (left, begin.elapsed())
}

#[tokio::test(start_paused = true)]
async fn what_nobody_follows_is_caught_up_with() {
    let of = |agent: &str, seconds, outcome| LedgerEntry {
        agent: agent.to_owned(),
        ..entry(seconds, outcome)
    };
    let killed = Some(KillOutcome::Killed);
    for (entry, is_whole) in [
        (of(BY_HAND, 5, killed), true),
        (of("gone for good", 61, killed), true),
        (of("still at it", 59, killed), false),
    ] {
        let (left, took) = caught_up(&entry, NEW).await;
        assert_eq!(left[0]["isWhole"], is_whole, "{}", entry.agent);
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_be_under_way_is_waited_for() {
    for (outcome, left) in [(None, 0), (Some(KillOutcome::Unknown), 1)] {
        let mut entry = entry(3_600, outcome);
        entry.agent = BY_HAND.to_owned();
        let (kills, took) = caught_up(&entry, LIVES).await;
        assert_eq!(kills.as_array().unwrap().len(), left);
        assert!(left == 0 || kills[0]["isWhole"] == true, "{kills}");
        assert!((35..37).contains(&took.as_secs()), "{took:?}");
    }
}
