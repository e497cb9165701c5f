use parking_lot::Mutex as Lock;
use serde_json::Value;
use tokio::time::advance;

use super::*;
use crate::target::kubernetes::scripted::{self, Reply, refusal, with};

/// The Lease of a cluster, kept as the API keeps it.
#[derive(Clone, Default)]
struct Stored(Arc<Lock<Object>>);

#[derive(Default)]
struct Object {
    lease: Option<Value>,
    version: u64,
    cannot_be_reached: bool,
}

impl Stored {
    /// A copy of an agent that talks to it.
    fn copy(&self, identity: &str) -> Arc<Election> {
        let stored = self.clone();
        let (client, _) = scripted::cluster(move |line, body, _| stored.reply(line, body));
        Election::new(client, "home", "lease".to_owned(), identity.to_owned())
    }

    fn reply(&self, line: &str, body: &Value) -> Reply {
        let mut object = self.0.lock();
        if object.cannot_be_reached {
            return Reply::Never;
        }
        let verb = line.split_whitespace().next().unwrap_or_default();
        match (verb, object.lease.clone()) {
            ("GET" | "PUT", None) => refusal(404, "NotFound", "no lease"),
            ("GET", Some(lease)) => with(200, &lease),
            ("POST", Some(_)) => refusal(409, "AlreadyExists", "it is there"),
            ("PUT", Some(lease))
                if lease["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"] =>
            {
                refusal(409, "Conflict", "another version")
            }
            ("POST" | "PUT", _) => {
                object.version += 1;
                let mut lease = body.clone();
                lease["metadata"]["resourceVersion"] = object.version.to_string().into();
                object.lease = Some(lease.clone());
                with(200, &lease)
            }
            _ => refusal(405, "MethodNotAllowed", verb),
        }
    }

    fn holder(&self) -> String {
        let object = self.0.lock();
        let lease = object.lease.clone().unwrap_or_default();
        lease["spec"]["holderIdentity"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    fn is_reachable(&self, is_reachable: bool) {
        self.0.lock().cannot_be_reached = !is_reachable;
    }
}

#[tokio::test(start_paused = true)]
async fn one_leads_and_the_other_takes_over_when_it_has_seen_nothing_for_as_long() {
    let stored = Stored::default();
    let (one, other) = (stored.copy("one"), stored.copy("other"));
    one.step().await.unwrap();
    other.step().await.unwrap();
    assert!(one.is_leader() && !other.is_leader());
    // As long as one renews, the other waits.
    for _ in 0..20 {
        advance(EVERY).await;
        one.step().await.unwrap();
        other.step().await.unwrap();
        assert!(one.is_leader() && !other.is_leader());
    }
    // One is stopped. It leads for as long as its Lease is good for, and not a moment longer.
    advance(DURATION.saturating_sub(Duration::from_millis(1))).await;
    other.step().await.unwrap();
    assert!(one.is_leader() && !other.is_leader());
    advance(Duration::from_millis(1)).await;
    other.step().await.unwrap();
    assert!(!one.is_leader() && other.is_leader());
    assert_eq!(stored.holder(), "other");
    // It goes on, and sees that another one leads.
    one.step().await.unwrap();
    assert!(!one.is_leader() && other.is_leader());
}

#[tokio::test(start_paused = true)]
async fn leadership_counts_from_when_the_renewal_was_asked_for() {
    let stored = Stored::default();
    let one = stored.copy("one");
    one.step().await.unwrap();
    let begin = Instant::now();
    assert_eq!(one.leads(), Leads::Until(begin + DURATION));
    // A renewal without an answer neither ends it nor makes it longer.
    stored.is_reachable(false);
    let error = one.step().await.unwrap_err();
    assert!(error.to_string().contains("no answer"), "{error}");
    assert_eq!(one.leads(), Leads::Until(begin + DURATION));
    advance(DURATION).await;
    assert_eq!(one.leads(), Leads::Not);
    stored.is_reachable(true);
    one.step().await.unwrap();
    assert!(one.is_leader());
}

#[tokio::test(start_paused = true)]
async fn whoever_resigns_need_not_be_waited_for() {
    let stored = Stored::default();
    let (one, other) = (stored.copy("one"), stored.copy("other"));
    one.step().await.unwrap();
    other.step().await.unwrap();
    one.resign().await.unwrap();
    assert!(!one.is_leader());
    other.step().await.unwrap();
    assert!(other.is_leader());
    assert_eq!(stored.holder(), "other");
}

#[tokio::test(start_paused = true)]
async fn whoever_has_resigned_takes_nothing_again() {
    let stored = Stored::default();
    let one = stored.copy("one");
    one.step().await.unwrap();
    // A renewal is under way, and another one is due right after.
    let (renewed, resigned) = tokio::join!(one.step(), one.resign());
    renewed.unwrap();
    resigned.unwrap();
    one.step().await.unwrap();
    assert!(!one.is_leader());
    assert_eq!(stored.holder(), "");
}

#[tokio::test(start_paused = true)]
async fn of_two_that_come_at_once_one_leads() {
    let stored = Stored::default();
    let copies: Vec<_> = (0..5)
        .map(|number| stored.copy(&number.to_string()))
        .collect();
    let steps = copies.iter().map(|copy| copy.step());
    futures_util::future::join_all(steps).await;
    assert_eq!(copies.iter().filter(|copy| copy.is_leader()).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_somebody_has_deleted_is_made_anew() {
    let stored = Stored::default();
    let one = stored.copy("one");
    one.step().await.unwrap();
    stored.0.lock().lease = None;
    // What it believes to hold is not there: first it leads no more, then again.
    one.step().await.unwrap();
    assert_eq!(stored.holder(), "one");
    assert!(one.is_leader());
}

#[tokio::test]
async fn people_are_told_who_leads() {
    let stored = Stored::default();
    let held = stored.clone();
    let (client, _) = scripted::cluster(move |line, body, _| held.reply(line, body));
    let leader = || leader(&client, "home", "lease");
    assert_eq!(leader().await.unwrap(), None, "there is no lease");
    let one = stored.copy("one");
    one.step().await.unwrap();
    assert_eq!(leader().await.unwrap().as_deref(), Some("one"));
    if let Some(lease) = &mut stored.0.lock().lease {
        lease["spec"]["renewTime"] = "2026-01-01T00:00:00.000000Z".into();
    }
    assert_eq!(leader().await.unwrap(), None, "it is not renewed");
    one.step().await.unwrap();
    one.resign().await.unwrap();
    assert_eq!(leader().await.unwrap(), None, "it was given up");
}
