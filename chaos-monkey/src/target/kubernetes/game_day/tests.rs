//! Game days against a cluster of one Deployment, kept as the API keeps it.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;
use tokio::time::{sleep, timeout};

use super::*;
use crate::file::load_text;
use crate::journal::{Entry, InstanceName, Journal, Record};
use crate::schema::System;
use crate::target::kubernetes::Connection;
use crate::target::kubernetes::agent::HandTeller;
use crate::target::kubernetes::scripted::shop::{Shop, any_pod_at_any_time, shop};
use crate::target::kubernetes::scripted::{self, Asked};
use crate::target::{InstanceState, Target};

type Shared = Arc<Mutex<Shop>>;

fn system() -> System {
    let text = json!({
        "apiVersion": "chaos.aplomb.dev/v1alpha1", "kind": "System", "metadata": {"name": "shop"},
        "spec": {"services": {"web": {"kubernetes": {
            "namespace": "shop", "pods": "app=web",
            "reach": {"service": {"name": "web", "port": 80}},
        }}}},
    });
    // JSON is YAML.
    let documents = load_text("shop.yaml", &text.to_string(), &[]).unwrap();
    documents.systems[0].clone()
}

fn rules() -> Rules {
    Rules::of(&any_pod_at_any_time()).unwrap()
}

struct Day {
    shop: Shared,
    somebody: Arc<Somebody>,
    target: PodTarget,
    entries: Receiver<Entry>,
    asked: Asked,
}

async fn day(shop: Shop, is_dry_run: bool) -> Day {
    let shop = Arc::new(Mutex::new(shop));
    let held = Arc::clone(&shop);
    let (client, asked) = scripted::cluster(move |line, body, _| held.lock().reply(line, body));
    let connection = Connection {
        client: client.clone(),
        context: "test".to_owned(),
        namespace: "default".to_owned(),
    };
    let teller = HandTeller::new(&connection, &[]).unwrap();
    let somebody = Arc::new(Somebody::new(teller));
    let options = PodOptions {
        killer: Killer {
            connection,
            namespace: "chaos".to_owned(),
            agent: "by hand".to_owned(),
            is_dry_run,
        },
        rules: rules(),
        conductor: Arc::<Somebody>::clone(&somebody),
    };
    let (journal, entries) = Journal::channel(1_000);
    let pods = Pods::read(&client, &system(), "web").await.unwrap();
    assert_eq!(pods.layout()[0].replicas, 2);
    let target = pods.follow(&options, &journal);
    Day {
        shop,
        somebody,
        target,
        entries,
        asked,
    }
}

impl Day {
    /// What was journalled since the last time, in short.
    fn told(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        while let Ok(Entry { record, .. }) = self.entries.try_recv() {
            told.push(match record {
                Record::InstanceStarted { instance, .. } => format!("{instance} started"),
                Record::InstanceReady { instance, .. } => format!("{instance} ready"),
                Record::InstanceDown {
                    instance,
                    fault,
                    how,
                    ..
                } => format!("{instance} down by {fault:?}: {how}"),
                Record::FaultFailed { fault, reason } => format!("{fault} failed: {reason}"),
                other => format!("{other:?}"),
            });
        }
        told
    }

    async fn until_all_ready(&self) {
        for replica in 0..2 {
            let instance = web(replica);
            let ready = self.target.until_ready(&instance);
            timeout(Duration::from_secs(60), ready).await.unwrap();
        }
    }
}

fn web(replica: u32) -> InstanceName {
    InstanceName {
        service: "web".to_owned(),
        replica,
    }
}

#[tokio::test(start_paused = true)]
async fn a_kill_goes_the_way_of_the_agent_and_into_the_journal() {
    let mut day = day(shop(), false).await;
    assert_eq!(
        day.target.endpoints("web")[0].to_string(),
        "http://10.96.0.7:80"
    );
    day.told();
    day.target
        .kill(&web(1), &"kill-1".to_owned())
        .await
        .unwrap();
    assert_eq!(day.shop.lock().evicted, ["web-1"]);
    let states = day.target.snapshot();
    assert_ne!(states[1].state, InstanceState::Ready);
    day.until_all_ready().await;
    assert_eq!(
        day.told(),
        [
            "web/1 down by Some(\"kill-1\"): pod web-1 was evicted",
            "web/1 started",
            "web/1 ready",
        ]
    );
    day.target.stop_all().await;
    day.somebody.teller().finish().await;
    let shop = day.shop.lock();
    let told = shop.events.iter();
    let told: Vec<&Value> = told.map(|event| &event["regarding"]["name"]).collect();
    assert_eq!(told, ["web-1", "web"], "{:#?}", shop.events);
    let [kill] = shop.kills.as_slice() else {
        panic!("{:#?}", shop.kills);
    };
    assert_eq!(kill["spec"]["pod"], "web-1");
    assert_eq!(kill["spec"]["agent"], "by hand");
    assert_eq!(kill["status"]["outcome"], "killed");
    assert!(kill["status"]["wholeAfter"].is_string(), "{kill:#}");
    let entries = shop.entries();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["isWhole"], true);
}

#[tokio::test(start_paused = true)]
async fn the_word_of_a_guard_is_the_reason_of_a_fault_that_failed() {
    let mut shop = shop();
    shop.is_halted = true;
    let mut day = day(shop, false).await;
    let error = day
        .target
        .kill(&web(0), &"kill-1".to_owned())
        .await
        .unwrap_err();
    let says = error.to_string();
    assert!(says.starts_with("web/0 was not killed: halt: "), "{says}");
    assert!(says.contains("sale"), "{says}");
    let error = day
        .target
        .hold_down(&web(0), &"outage-1".to_owned())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("halt: "), "{error}");
    sleep(Duration::from_secs(5)).await;
    assert!(day.shop.lock().evicted.is_empty());
    day.told();
    day.target.stop_all().await;
    assert!(day.told().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_sends_and_writes_nothing() {
    let day = day(shop(), true).await;
    let error = day
        .target
        .kill(&web(0), &"kill-1".to_owned())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("dry run"), "{error}");
    assert!(error.to_string().contains("web-0"), "{error}");
    day.target.stop_all().await;
    let asked = day.asked.lock();
    assert!(
        asked.iter().all(|(line, _)| line.starts_with("GET ")),
        "{asked:#?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_is_kept_down_until_it_is_released() {
    let mut day = day(shop(), false).await;
    let fault = "outage-1".to_owned();
    day.told();
    for replica in 0..2 {
        day.target.hold_down(&web(replica), &fault).await.unwrap();
    }
    sleep(Duration::from_secs(10)).await;
    let told = day.told();
    assert!(!told.iter().any(|it| it.ends_with("ready")), "{told:#?}");
    let evicted = day.shop.lock().evicted.len();
    assert!(evicted > 4, "{evicted}");
    for replica in 0..2 {
        day.target.release(&web(replica), &fault).await.unwrap();
    }
    let evicted = day.shop.lock().evicted.len();
    day.until_all_ready().await;
    assert_eq!(
        day.shop.lock().evicted.len(),
        evicted,
        "nothing after its end"
    );
    day.target.stop_all().await;
    // Each of them is on record.
    assert_eq!(day.shop.lock().kills.len(), evicted);
    assert!(
        day.shop
            .lock()
            .entries()
            .iter()
            .all(|entry| entry["isWhole"] == true)
    );
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_cannot_go_on_says_so_and_lets_the_service_come_back() {
    let mut day = day(shop(), false).await;
    let fault = "outage-1".to_owned();
    for replica in 0..2 {
        day.target.hold_down(&web(replica), &fault).await.unwrap();
    }
    day.told();
    day.shop.lock().is_halted = true;
    day.until_all_ready().await;
    let told = day.told();
    let failed: Vec<&String> = told.iter().filter(|it| it.contains("failed")).collect();
    assert_eq!(failed.len(), 1, "{told:#?}");
    assert!(
        failed[0].starts_with("outage-1 failed: pod web-"),
        "{failed:?}"
    );
    assert!(
        failed[0].contains("could not be kept down: halt: "),
        "{failed:?}"
    );
    day.target.stop_all().await;
}

#[tokio::test(start_paused = true)]
async fn pods_are_not_paused_and_strangers_not_killed() {
    let day = day(shop(), false).await;
    let fault = "pause-1".to_owned();
    let error = day.target.pause(&web(0), &fault).await.unwrap_err();
    assert_eq!(error.to_string(), "web/0 cannot be paused in this target");
    let error = day.target.kill(&web(7), &fault).await.unwrap_err();
    assert_eq!(error.to_string(), "web/7 does not exist in this system");
    day.target.stop_all().await;
}

#[tokio::test(start_paused = true)]
async fn a_system_that_is_not_there_or_not_ready_is_not_broken() {
    for (pods, says) in [
        (
            Vec::new(),
            "no pod in the namespace `shop` has the labels `app=web`",
        ),
        (
            vec![("web-0".to_owned(), false, 1)],
            "the pod shop/web-0 is not ready",
        ),
    ] {
        let mut shop = shop();
        shop.pods = pods;
        let shop = Mutex::new(shop);
        let (client, _) = scripted::cluster(move |line, body, _| shop.lock().reply(line, body));
        let error = Pods::read(&client, &system(), "web").await.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
}
