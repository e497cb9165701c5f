//! One kill against a cluster of one Deployment, kept as the API keeps it.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::*;
use crate::schema::{AgentSpec, OwnerKind};
use crate::target::kubernetes::scripted::shop::any_pod_at_any_hour as spec;
use crate::target::kubernetes::scripted::{self, Asked, Reply, refusal, status, with};

/// What the cluster holds, and what goes wrong with it.
struct Shop {
    ledger: Option<Value>,
    version: u64,
    kill: Option<Value>,
    is_halted: bool,
    is_withheld_after_the_record: bool,
    /// What evictions are answered.
    eviction: Reply,
    /// After the record, requests with this in their line take so long.
    slow: Option<(&'static str, Duration)>,
    /// What some requests are answered instead: a part of the line, the answer, and how often.
    instead: Vec<(&'static str, Reply, usize)>,
}

type Shared = Arc<Mutex<Shop>>;

fn shop() -> Shop {
    Shop {
        ledger: None,
        version: 1,
        kill: None,
        is_halted: false,
        is_withheld_after_the_record: false,
        eviction: with(201, &status("Success", 201, "", "")),
        slow: None,
        instead: Vec::new(),
    }
}

impl Shop {
    fn reply(&mut self, line: &str, body: &Value) -> Reply {
        let instead = self
            .instead
            .iter_mut()
            .find(|(part, _, left)| line.contains(part) && *left > 0);
        if let Some((_, reply, left)) = instead {
            *left -= 1;
            return reply.clone();
        }
        if let Some((part, delay)) = self.slow
            && self.kill.is_some()
            && line.contains(part)
        {
            self.slow = None;
            let reply = self.reply(line, body);
            return Reply::Late(delay, Box::new(reply));
        }
        let (verb, path) = line.split_once(' ').unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default();
        match (verb, path.rsplit('/').next().unwrap_or_default()) {
            ("POST", "eviction") => self.eviction.clone(),
            ("GET", "shop") => with(200, &json!({"metadata": {"name": "shop"}})),
            ("GET", "web") => with(200, &self.deployment()),
            ("GET", "poddisruptionbudgets") => with(200, &json!({"metadata": {}, "items": []})),
            ("GET", "replicasets") => with(
                200,
                &list(&[owned("web-1", "set", "Deployment", "web", "deployment")]),
            ),
            ("GET", "pods") => {
                let pods: Vec<Value> = (0..3).map(pod).collect();
                with(200, &list(&pods))
            }
            ("GET", "web-1-1") => with(200, &pod(1)),
            ("GET", "chaos-halt") if self.is_halted => with(
                200,
                &json!({"metadata": {"name": "chaos-halt"}, "data": {"reason": "sale"}}),
            ),
            ("GET", "chaos-halt") => refusal(404, "NotFound", "no halt"),
            ("GET" | "PUT", "chaos-ledger") | ("POST", "killledgers") => {
                scripted::ledger(&mut self.ledger, &mut self.version, verb, body)
            }
            ("POST", "kills") if self.kill.is_some() => {
                refusal(409, "AlreadyExists", "there is one already")
            }
            ("POST", "kills") => {
                self.kill = Some(body.clone());
                with(201, body)
            }
            ("PATCH", "status") => {
                let mut kill = self.kill.clone().unwrap_or_default();
                for (key, value) in body["status"].as_object().into_iter().flatten() {
                    kill["status"][key] = value.clone();
                }
                self.kill = Some(kill.clone());
                with(200, &kill)
            }
            _ => refusal(405, "MethodNotAllowed", line),
        }
    }

    fn deployment(&self) -> Value {
        let is_withheld = self.is_withheld_after_the_record && self.kill.is_some();
        let annotations = if is_withheld {
            json!({crate::agent::ENABLED: "false"})
        } else {
            json!({})
        };
        json!({
            "metadata": {
                "name": "web", "namespace": "shop", "uid": "deployment", "generation": 2,
                "annotations": annotations,
            },
            "spec": {
                "replicas": 3, "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {}, "spec": {"containers": []}},
            },
            "status": {
                "observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3,
                "availableReplicas": 3,
            },
        })
    }

    fn entries(&self) -> Vec<Value> {
        let ledger = self.ledger.clone().unwrap_or_default();
        ledger["spec"]["kills"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    fn outcome(&self) -> (String, String) {
        let status = self.kill.clone().unwrap_or_default()["status"].clone();
        let text = |key: &str| status[key].as_str().unwrap_or_default().to_owned();
        (text("outcome"), text("reason"))
    }
}

fn list(items: &[Value]) -> Value {
    json!({"metadata": {}, "items": items})
}

fn pod(number: usize) -> Value {
    let (name, uid) = (format!("web-1-{number}"), format!("pod-{number}"));
    owned(&name, &uid, "ReplicaSet", "web-1", "set")
}

fn owned(name: &str, uid: &str, kind: &str, owner: &str, owner_uid: &str) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": "shop", "uid": uid, "resourceVersion": "7",
            "labels": {"app": "web"}, "creationTimestamp": "2026-01-01T00:00:00Z",
            "ownerReferences": [{"kind": kind, "name": owner, "uid": owner_uid, "controller": true}],
        },
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

/// Tries to kill one pod of the shop.
async fn attempt(
    shop: &Shared,
    spec: &AgentSpec,
    leads: LeadsNow<'_>,
    is_dry_run: bool,
) -> (Result<Told, ClusterError>, Asked) {
    let held = Arc::clone(shop);
    let (client, asked) = scripted::cluster(move |line, body, _| held.lock().reply(line, body));
    (kill_by(client, spec, leads, is_dry_run).await, asked)
}

fn killer(client: kube::Client, is_dry_run: bool) -> Killer {
    Killer {
        connection: Connection {
            client,
            context: "scripted".to_owned(),
            namespace: "default".to_owned(),
        },
        namespace: "home".to_owned(),
        agent: "platform".to_owned(),
        is_dry_run,
    }
}

async fn kill_by(
    client: kube::Client,
    spec: &AgentSpec,
    leads: LeadsNow<'_>,
    is_dry_run: bool,
) -> Result<Told, ClusterError> {
    let killer = killer(client, is_dry_run);
    let owner = OwnerName {
        namespace: "shop".to_owned(),
        kind: OwnerKind::Deployment,
        name: "web".to_owned(),
    };
    let wanted = Wanted {
        owner: &owner,
        pod_uid: "pod-1",
        occasion: "now",
        kill: "now-0".to_owned(),
    };
    let rules = Rules::of(spec).unwrap();
    killer.kill(&rules, &wanted, leads).await
}

async fn by_hand(
    change: impl FnOnce(&mut Shop),
) -> (Result<Told, ClusterError>, Shared, Vec<String>) {
    let mut it = shop();
    change(&mut it);
    let shop = Arc::new(Mutex::new(it));
    let (told, asked) = attempt(&shop, &spec(), &|| Leads::NotNeeded, false).await;
    let lines = asked.lock().iter().map(|(line, _)| line.clone()).collect();
    (told, shop, lines)
}

fn position(lines: &[String], part: &str) -> usize {
    lines
        .iter()
        .position(|line| line.contains(part))
        .unwrap_or_else(|| panic!("{part}: {lines:?}"))
}

fn is_sent(lines: &[String]) -> bool {
    lines
        .iter()
        .any(|line| line.contains("eviction") || line.starts_with("DELETE"))
}

#[tokio::test]
async fn it_is_reserved_and_recorded_before_it_is_sent_and_the_halt_is_read_last() {
    let (told, shop, lines) = by_hand(|_| {}).await;
    assert_eq!(
        told.unwrap(),
        Told::Done {
            outcome: KillOutcome::Killed,
            reason: None
        }
    );
    let (reserved, recorded) = (
        position(&lines, "PUT"),
        position(
            &lines,
            "POST /apis/chaos.aplomb.dev/v1alpha1/namespaces/home/kills",
        ),
    );
    let sent = position(&lines, "eviction");
    assert!(reserved < recorded && recorded < sent, "{lines:?}");
    let before: Vec<&String> = lines[sent - 2..sent].iter().collect();
    assert!(
        before.iter().all(|line| line.contains("chaos-halt")),
        "{before:?}"
    );
    let shop = shop.lock();
    assert_eq!(shop.entries().len(), 1);
    assert_eq!(shop.entries()[0]["outcome"], "killed");
    assert_eq!(shop.outcome().0, "killed");
}

#[tokio::test]
async fn a_dry_run_sends_and_writes_nothing() {
    let shop = Arc::new(Mutex::new(shop()));
    let (told, asked) = attempt(&shop, &spec(), &|| Leads::NotNeeded, true).await;
    assert_eq!(told.unwrap(), Told::WouldKill);
    let lines = asked.lock().clone();
    assert!(
        lines.iter().all(|(line, _)| line.starts_with("GET")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_clock_that_is_not_that_of_the_cluster_forbids_and_takes_nothing_out_of_the_ledger() {
    let at = Timestamp::now() - jiff::SignedDuration::from_mins(30);
    let other = json!({
        "kill": "k", "occasion": "k", "pod": "p", "podUid": "u", "at": at, "notAfter": at,
        "owner": {"namespace": "shop", "kind": "Deployment", "name": "other"},
        "outcome": "killed", "isWhole": true,
    });
    // This clock is days ahead of that of the cluster, or behind it.
    for days in [-3, 3] {
        let ahead = jiff::SignedDuration::from_hours(24 * days);
        let (told, shop, lines) = by_hand(|shop| {
            let version = with(200, &json!({"major": "1"}));
            shop.instead = vec![("/version", Reply::Ahead(ahead, Box::new(version)), 1)];
            shop.ledger = Some(json!({
                "metadata": {"name": "chaos-ledger", "resourceVersion": "1"},
                "spec": {"kills": [other]},
            }));
        })
        .await;
        assert!(
            matches!(&told, Ok(Told::Vetoed(veto)) if veto.by == "clock"),
            "{told:?}"
        );
        assert!(!is_sent(&lines));
        assert_eq!(shop.lock().entries().len(), 1);
    }
}

#[tokio::test]
async fn a_halt_that_is_on_or_cannot_be_read_forbids() {
    let (told, _, lines) = by_hand(|shop| shop.is_halted = true).await;
    assert!(matches!(told, Ok(Told::Vetoed(veto)) if veto.by == "halt"));
    assert!(!is_sent(&lines));
    for reply in [
        refusal(500, "InternalError", "etcd"),
        refusal(403, "Forbidden", "may not"),
    ] {
        // The first two are read before the reservation, the other two right before it is sent.
        for passed in [0, 2] {
            let (told, shop, lines) = by_hand(|shop| {
                let good = refusal(404, "NotFound", "no halt");
                shop.instead = vec![
                    ("chaos-halt", good, passed),
                    ("chaos-halt", reply.clone(), 1),
                ];
            })
            .await;
            assert!(
                matches!(&told, Ok(Told::Vetoed(veto)) if veto.by == "halt"),
                "{told:?}"
            );
            assert!(!is_sent(&lines), "{lines:?}");
            assert_eq!(shop.lock().entries().len(), 0);
        }
    }
}

#[tokio::test]
async fn what_is_withheld_after_the_record_is_not_sent_and_its_reservation_is_free() {
    let (told, shop, lines) = by_hand(|shop| shop.is_withheld_after_the_record = true).await;
    assert!(matches!(told, Ok(Told::Vetoed(veto)) if veto.by == "opt-in"));
    assert!(!is_sent(&lines));
    let shop = shop.lock();
    assert_eq!(shop.entries().len(), 0);
    let (outcome, reason) = shop.outcome();
    assert_eq!(outcome, "notSent");
    assert!(reason.starts_with("opt-in"), "{reason}");
}

#[tokio::test]
async fn a_refused_kill_is_on_record_and_releases_its_reservation() {
    let (told, shop, _) = by_hand(|shop| {
        shop.eviction = refusal(429, "TooManyRequests", "it would violate the budget");
    })
    .await;
    assert!(matches!(
        told,
        Ok(Told::Done {
            outcome: KillOutcome::Refused,
            ..
        })
    ));
    assert_eq!(shop.lock().entries().len(), 0);
    assert_eq!(shop.lock().outcome().0, "refused");
}

#[tokio::test(start_paused = true)]
async fn a_kill_without_an_answer_counts() {
    let (told, shop, _) = by_hand(|shop| shop.eviction = Reply::Never).await;
    assert!(matches!(
        told,
        Ok(Told::Done {
            outcome: KillOutcome::Unknown,
            ..
        })
    ));
    assert_eq!(shop.lock().entries()[0]["outcome"], "unknown");
    assert_eq!(shop.lock().outcome().0, "unknown");
}

#[tokio::test]
async fn after_a_collision_in_the_ledger_everything_is_asked_anew() {
    let conflict = refusal(409, "Conflict", "the object has been modified");
    let (told, shop, lines) =
        by_hand(|shop| shop.instead = vec![("PUT", conflict.clone(), 2)]).await;
    assert!(matches!(
        told,
        Ok(Told::Done {
            outcome: KillOutcome::Killed,
            ..
        })
    ));
    assert_eq!(shop.lock().entries().len(), 1);
    // Three looks before the reservation, and one before it is sent.
    let looks = lines
        .iter()
        .filter(|line| line.contains("deployments/web"))
        .count();
    assert_eq!(looks, 4, "{lines:?}");
    // For ever is too long.
    let (told, _, lines) = by_hand(|shop| shop.instead = vec![("PUT", conflict, 1_000)]).await;
    assert!(told.unwrap_err().is_conflict());
    assert!(!is_sent(&lines));
}

const RECORDS: &str = "POST /apis/chaos.aplomb.dev/v1alpha1/namespaces/home/kills?";

#[tokio::test(start_paused = true)]
async fn without_a_record_nothing_is_sent() {
    // A no proves that there is none; anything else may have left one, which must be settled.
    for (reply, reservations) in [
        (refusal(403, "Forbidden", "may not"), 0),
        (refusal(500, "InternalError", "etcd"), 1),
        (Reply::Never, 1),
    ] {
        let (told, shop, lines) =
            by_hand(|shop| shop.instead = vec![(RECORDS, reply.clone(), 1)]).await;
        assert!(told.is_err());
        assert!(!is_sent(&lines));
        assert_eq!(shop.lock().entries().len(), reservations, "{reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_completed_stays_open_in_the_ledger_too() {
    let failing = refusal(500, "InternalError", "etcd");
    let (told, shop, _) = by_hand(|shop| shop.instead = vec![("PATCH", failing, 1)]).await;
    assert!(matches!(
        told,
        Ok(Told::Done {
            outcome: KillOutcome::Killed,
            ..
        })
    ));
    assert_eq!(shop.lock().entries()[0]["outcome"], Value::Null);
    // One that somebody has taken away needs no completion.
    let gone = refusal(404, "NotFound", "no kill");
    let (_, shop, _) = by_hand(|shop| shop.instead = vec![("PATCH", gone, 1)]).await;
    assert_eq!(shop.lock().entries()[0]["outcome"], "killed");
}

#[tokio::test]
async fn an_occasion_that_comes_again_is_on_record() {
    // A clock was set back, or that of the next leader is slow: the same name once more.
    let (_, shop, _) = by_hand(|_| {}).await;
    let (told, asked) = attempt(&shop, &spec(), &|| Leads::NotNeeded, false).await;
    assert_eq!(told.unwrap(), Told::OnRecord);
    let lines: Vec<String> = asked.lock().iter().map(|(line, _)| line.clone()).collect();
    assert!(!is_sent(&lines));
    assert_eq!(shop.lock().entries().len(), 1, "what was killed counts");
    assert_eq!(shop.lock().outcome().0, "killed");
    // Only the record is left: the reservation that was made for nothing is free again.
    if let Some(ledger) = &mut shop.lock().ledger {
        ledger["spec"]["kills"] = json!([]);
    }
    let (told, _) = attempt(&shop, &spec(), &|| Leads::NotNeeded, false).await;
    assert_eq!(told.unwrap(), Told::OnRecord);
    assert_eq!(shop.lock().entries().len(), 0);
    assert_eq!(
        shop.lock().outcome().0,
        "killed",
        "the record stays as it is"
    );
}

#[tokio::test]
async fn whose_reservation_was_settled_by_somebody_else_sends_nothing() {
    for kills in [json!([]), json!("killed")] {
        let it = Arc::new(Mutex::new(shop()));
        let settle = kills.clone();
        let held = Arc::clone(&it);
        let (client, asked) = scripted::cluster(move |line, body, _| {
            let mut shop = held.lock();
            let reply = shop.reply(line, body);
            if line.starts_with(RECORDS)
                && let Some(ledger) = &mut shop.ledger
            {
                if settle == "killed" {
                    ledger["spec"]["kills"][0]["outcome"] = settle.clone();
                } else {
                    ledger["spec"]["kills"] = settle.clone();
                }
            }
            reply
        });
        let told = kill_by(client, &spec(), &|| Leads::NotNeeded, false).await;
        let Ok(Told::Done {
            outcome: KillOutcome::NotSent,
            reason: Some(reason),
        }) = told
        else {
            panic!("{kills}: {told:?}");
        };
        assert!(reason.contains("settled by somebody else"), "{reason}");
        let lines: Vec<String> = asked.lock().iter().map(|(line, _)| line.clone()).collect();
        assert!(!is_sent(&lines));
    }
}

#[tokio::test]
async fn a_full_ledger_empties_itself() {
    let mut it = shop();
    let kills: Vec<Value> = (0..4_000)
        .map(|number| {
            json!({
                "kill": format!("k-{number}"), "occasion": format!("k-{number}"),
                "owner": {"namespace": "shop", "kind": "Deployment", "name": "other"},
                "pod": "p", "podUid": "u", "at": "2026-01-01T00:00:00Z",
                "notAfter": "2026-01-01T00:00:30Z", "outcome": "killed", "isWhole": true,
            })
        })
        .collect();
    it.ledger = Some(json!({
        "metadata": {"name": "chaos-ledger", "resourceVersion": "1"}, "spec": {"kills": kills},
    }));
    let shop = Arc::new(Mutex::new(it));
    let (told, _) = attempt(&shop, &spec(), &|| Leads::NotNeeded, false).await;
    assert!(
        matches!(
            told,
            Ok(Told::Done {
                outcome: KillOutcome::Killed,
                ..
            })
        ),
        "{told:?}"
    );
    assert_eq!(shop.lock().entries().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_read_too_long_ago_is_not_acted_upon() {
    for (part, milliseconds, reason) in [
        ("chaos-halt", 501, "half a second"),
        // What is slow once is read again, but for the other pods.
        ("namespaces/shop/replicasets", 1_001, ""),
        ("GET /api/v1/namespaces/shop?", 1_001, ""),
        ("web-1-1", 1_001, "a second old"),
    ] {
        let mut it = shop();
        it.slow = Some((part, Duration::from_millis(milliseconds)));
        if part == "web-1-1" {
            // So that it is read again at all.
            it.instead = vec![(
                "replicasets",
                Reply::Late(
                    Duration::from_millis(600),
                    Box::new(with(
                        200,
                        &list(&[owned("web-1", "set", "Deployment", "web", "deployment")]),
                    )),
                ),
                9,
            )];
        }
        let shop = Arc::new(Mutex::new(it));
        let (told, asked) = attempt(&shop, &spec(), &|| Leads::NotNeeded, false).await;
        let lines: Vec<String> = asked.lock().iter().map(|(line, _)| line.clone()).collect();
        let (outcome, said) = match told {
            Ok(Told::Done { outcome, reason }) => (outcome, reason.unwrap_or_default()),
            other => panic!("{part}: {other:?}"),
        };
        if reason.is_empty() {
            assert_eq!(outcome, KillOutcome::Killed, "{part}: {said}");
            continue;
        }
        assert_eq!(outcome, KillOutcome::NotSent, "{part}");
        assert!(said.contains(reason), "{said}");
        assert!(!is_sent(&lines));
        assert_eq!(shop.lock().outcome().0, "notSent");
        assert_eq!(shop.lock().entries().len(), 0);
    }
}

#[tokio::test]
async fn what_forbids_every_kill_is_known_after_two_requests() {
    for (change, by) in [
        ((|_: &mut Shop| {}) as fn(&mut Shop), None),
        (|shop| shop.is_halted = true, Some("halt")),
    ] {
        let mut it = shop();
        change(&mut it);
        let (client, asked) = {
            let held = Mutex::new(it);
            scripted::cluster(move |line, body, _| held.lock().reply(line, body))
        };
        let veto = killer(client, false)
            .veto_of_all(&Rules::of(&spec()).unwrap(), &|| Leads::NotNeeded)
            .await
            .unwrap();
        assert_eq!(veto.map(|veto| veto.by), by);
        assert_eq!(asked.lock().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_loses_its_lease_in_the_middle_sends_nothing() {
    // It leads while it reserves, and not any more before it sends.
    let shop = Arc::new(Mutex::new(shop()));
    let end = Instant::now() + Duration::from_secs(12);
    let held = Arc::clone(&shop);
    let leads = move || {
        if held.lock().kill.is_some() {
            Leads::Not
        } else {
            Leads::Until(end)
        }
    };
    let (told, asked) = attempt(&shop, &spec(), &leads, false).await;
    assert!(matches!(told, Ok(Told::Vetoed(veto)) if veto.by == "leadership"));
    assert!(
        !asked
            .lock()
            .iter()
            .any(|(line, _)| line.contains("eviction"))
    );
    assert_eq!(shop.lock().outcome().0, "notSent");
    // A lease that is too short for an answer is none.
    let soon = Instant::now() + ANSWER_LIMIT;
    let (told, _) = attempt(&shop, &spec(), &move || Leads::Until(soon), false).await;
    assert!(matches!(told, Ok(Told::Vetoed(veto)) if veto.by == "leadership"));
}

#[tokio::test]
async fn an_explanation_says_which_copy_leads_or_that_none_does() {
    let lease = |renewed: Timestamp| {
        json!({"metadata": {"name": "chaos-monkey-platform"}, "spec": {
            "holderIdentity": "one", "leaseDurationSeconds": 15,
            "renewTime": format!("{renewed:.6}"),
        }})
    };
    for (reply, leader, refusal) in [
        (with(200, &lease(Timestamp::now())), Some("one"), None),
        (
            with(200, &lease(Timestamp::UNIX_EPOCH)),
            None,
            Some("no copy of `platform` leads"),
        ),
        (
            refusal(404, "NotFound", "no lease"),
            None,
            Some("no copy of `platform` leads"),
        ),
        (refusal(403, "Forbidden", "may not"), None, Some("may not")),
    ] {
        let held = Mutex::new(shop());
        let (client, _) = scripted::cluster(move |line, body, _| {
            if line.contains("/leases/chaos-monkey-platform") {
                return reply.clone();
            }
            if line.contains("/replicasets/web-1") {
                return with(
                    200,
                    &owned("web-1", "set", "Deployment", "web", "deployment"),
                );
            }
            held.lock().reply(line, body)
        });
        let killer = killer(client, true);
        let found = crate::target::kubernetes::find::pod(&killer.connection, "shop/web-1-1").await;
        let found = found.unwrap();
        let rules = Rules::of(&spec()).unwrap();
        let owner = found.owner().unwrap();
        let (checks, leads) = killer.explain(&rules, &found, owner).await.unwrap();
        assert_eq!(leads.as_deref(), leader);
        let leadership = checks.iter().find(|it| it.name == "leadership").unwrap();
        let said = leadership.refusal.as_deref();
        assert_eq!(said.is_none(), refusal.is_none(), "{said:?}");
        assert!(
            said.unwrap_or_default()
                .contains(refusal.unwrap_or_default()),
            "{said:?}"
        );
    }
}
