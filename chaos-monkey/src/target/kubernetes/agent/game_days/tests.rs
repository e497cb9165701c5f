//! Game days of a scripted cluster, whose users are served by a real server.

use std::net::SocketAddr;

use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::begin::{KEPT_RUNS, take_away_old};
use super::*;
use crate::schema::{AgentSpec, GameDayChoice, LedgerEntry};
use crate::target::kubernetes::agent::tests::shared_by;
use crate::target::kubernetes::scripted::shop::{Shop, any_pod_at_any_time, shop};
use crate::target::kubernetes::scripted::{self, Asked};

/// An agent that leads, in a cluster whose shop is served.
struct Scene {
    shop: Arc<Mutex<Shop>>,
    asked: Asked,
    shared: Arc<Shared>,
    host: Host,
    _folder: TempDir,
    _tasks: JoinSet<()>,
}

fn settings() -> AgentSpec {
    let mut spec = AgentSpec {
        dry_run: false,
        game_days: GameDayChoice::Also,
        ..any_pod_at_any_time()
    };
    spec.namespaces.only = vec!["shop".to_owned()];
    spec
}

async fn scene(spec: &AgentSpec) -> Scene {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let router = axum::Router::new().fallback(|| async { "here you are" });
        axum::serve(listener, router).await.unwrap();
    });
    let mut it = shop();
    it.reach = ("127.0.0.1".to_owned(), address.port());
    it.systems.push(system(address.port()));
    let shop = Arc::new(Mutex::new(it));
    let held = Arc::clone(&shop);
    let (client, asked) = scripted::cluster(move |line, body, _| held.lock().reply(line, body));
    let (shared, watching) = shared_by(client, spec);
    tasks.spawn(async move {
        let _watching = watching;
        std::future::pending::<()>().await;
    });
    shared.election.step().await.unwrap();
    assert!(shared.election.is_leader());
    let follower = Follower::new(Arc::clone(&shared));
    tasks.spawn({
        let follower = Arc::clone(&follower);
        async move { follower.run().await }
    });
    let folder = tempfile::tempdir().unwrap();
    let host = Host::new(Arc::clone(&shared), follower, folder.path().join("runs"));
    Scene {
        shop,
        asked,
        shared,
        host,
        _folder: folder,
        _tasks: tasks,
    }
}

impl Scene {
    /// Looks again and again until something holds.
    async fn until(&mut self, what: &str, holds: impl Fn(&Shop) -> bool) {
        for _ in 0..400 {
            self.host.look().await;
            if holds(&self.shop.lock()) {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("{what}: {:#?}", self.shop.lock().game_days);
    }

    async fn until_phase(&mut self, name: &str, phase: &str) -> Value {
        let what = format!("{name} is {phase}");
        self.until(&what, |shop| shop.status(name)["phase"] == phase)
            .await;
        self.shop.lock().status(name)
    }

    /// For a while nothing is killed.
    async fn nothing_kills_any_more(&mut self) {
        let evicted = self.shop.lock().evicted.len();
        for _ in 0..20 {
            self.host.look().await;
            sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(self.shop.lock().evicted.len(), evicted);
    }
}

fn resource(kind: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "chaos.aplomb.dev/v1alpha1", "kind": kind,
        "metadata": {"name": name, "namespace": "shop"}, "spec": spec,
    })
}

fn system(port: u16) -> Value {
    let web = json!({"kubernetes": {
        "namespace": "shop", "pods": "app=web",
        "reach": {"url": format!("http://web.shop.svc:{port}")},
    }});
    resource("System", "shop", json!({"services": {"web": web}}))
}

/// A game day with these faults, for so many seconds.
fn day(name: &str, seconds: u32, faults: Value) -> Value {
    let spec = json!({
        "title": "t", "hypothesis": "h", "system": "shop",
        "load": {
            "target": "web", "rate": {"constant": 50},
            "journeys": {"look": {
                "weight": 1, "steps": [{"name": "look", "request": {"path": "/"}}],
            }},
        },
        "steadyState": [{
            "id": "served", "metric": "yield", "minimumSamples": 5,
            "tolerance": {"before": {"atLeast": 1}, "during": {"atLeast": 1}},
        }],
        "timeline": {"duration": format!("{seconds}s"), "faults": faults},
        "recovery": {"within": "2s", "hold": "500ms"},
    });
    resource("GameDay", name, spec)
}

fn one_kill() -> Value {
    json!([{"id": "one", "at": "1s", "do": {"kill": {"service": "web"}}}])
}

fn an_outage() -> Value {
    json!([{"id": "away", "at": "500ms", "do": {"outage": {
        "service": "web", "for": "20s", "allowOutage": true,
    }}}])
}

/// Whether nothing was noticed. Beside other tests the load may be late, which says nothing of the
/// agent.
fn has_passed(status: &Value) -> bool {
    let was_late = || {
        status["reasons"]
            .to_string()
            .contains("machine is too small")
    };
    status["verdict"]["outcome"] == "passed"
        || status["verdict"]["outcome"] == "inconclusive" && was_late()
}

#[tokio::test]
async fn a_game_day_comes_to_its_verdict_and_the_next_one_waits_for_it() {
    let mut scene = scene(&settings()).await;
    scene.shop.lock().apply(day("first", 4, one_kill()));
    scene.shop.lock().apply(day("second", 4, one_kill()));
    let waits = scene.until_phase("second", "Pending").await;
    assert_eq!(waits["reason"], "it waits for shop/first");
    assert!(scene.shared.hosts(), "the schedule kills nothing meanwhile");
    let first = scene.until_phase("first", "Finished").await;
    assert!(has_passed(&first), "{first:#}");
    assert_eq!(first["yield"], "100 %");
    assert_eq!(first["killCount"], 1);
    assert_eq!(first["agent"], "platform");
    assert_eq!(first["observedGeneration"], 1);
    assert!(first["began"].is_string() && first["ended"].is_string());
    {
        let shop = scene.shop.lock();
        assert_eq!(shop.kills.len(), 1);
        assert_eq!(first["kills"][0], shop.kills[0]["metadata"]["name"]);
        assert_eq!(shop.kills[0]["spec"]["agent"], "platform");
        assert_eq!(shop.kills[0]["status"]["outcome"], "killed");
        let reasons = shop.events.iter().map(|event| event["reason"].clone());
        let reasons: Vec<Value> = reasons.collect();
        assert!(reasons.contains(&"ChaosGameDayBegan".into()), "{reasons:?}");
        assert!(reasons.contains(&"ChaosKilled".into()), "{reasons:?}");
    }
    let second = scene.until_phase("second", "Finished").await;
    assert!(has_passed(&second), "{second:#}");
    assert!(first["ended"].as_str() <= second["began"].as_str());
    // Over is over: nothing is asked for what does not change.
    scene.host.look().await;
    let asked = |scene: &Scene| {
        let asked = scene.asked.lock();
        let reads = asked.iter().filter(|(line, _)| line.contains("/gamedays/"));
        reads.count()
    };
    let before = asked(&scene);
    for _ in 0..10 {
        scene.host.look().await;
    }
    assert_eq!(asked(&scene), before);
    assert!(!scene.shared.hosts());
    let counted = scene.shared.metrics.text();
    let counts_both = "chaos_monkey_game_days_total{outcome=\"passed\"} 2";
    assert!(counted.contains(counts_both), "{counted}");
}

#[tokio::test]
async fn what_an_agent_does_for_nobody_is_refused_with_its_place() {
    let mut scene = scene(&settings()).await;
    let process = json!({
        "command": ["sh"], "ports": {"http": "auto"},
        "health": {"check": {"tcp": {"port": "http"}}},
    });
    {
        let mut shop = scene.shop.lock();
        let web = &mut shop.systems[0]["spec"]["services"]["web"];
        web["process"] = process;
        web["kubernetes"]["namespace"] = "bank".into();
        let mut misread = day("misread", 4, one_kill());
        misread["spec"]["timeline"]["faults"][0]["do"]["kill"]["service"] = "wbe".into();
        shop.apply(day("refused", 4, one_kill()));
        shop.apply(misread);
    }
    let refused = scene.until_phase("refused", "Refused").await;
    let reasons = refused["reasons"].to_string();
    for part in [
        "System shop: spec.services.web.process: an agent starts no program",
        "System shop: spec.services.web.kubernetes.namespace: these are pods of `bank`",
    ] {
        assert!(reasons.contains(part), "{reasons}");
    }
    let misread = scene.until_phase("misread", "Refused").await;
    let reason = misread["reason"].as_str().unwrap();
    let expected = "GameDay misread: spec.timeline.faults[0].do.kill.service: there is no \
                    service `wbe`";
    assert!(reason.starts_with(expected), "{reason}");
    let shop = scene.shop.lock();
    assert!(shop.evicted.is_empty());
    let told = shop
        .events
        .iter()
        .filter(|event| event["reason"] == "ChaosGameDayRefused");
    assert_eq!(told.count(), 2);
    let lists_pods = |line: &str| line.starts_with("GET /api/v1/namespaces/shop/pods?");
    let asked = scene.asked.lock();
    assert!(
        !asked
            .iter()
            .any(|(line, _)| lists_pods(line) && line.contains("app%3Dweb"))
    );
}

#[tokio::test]
async fn one_that_its_leader_has_left_is_inconclusive_and_nothing_of_it_is_killed() {
    let mut scene = scene(&settings()).await;
    let mut left = day("left", 4, one_kill());
    left["status"] = json!({
        "phase": "Running", "agent": "platform", "copy": "another", "seed": 1,
        "began": "2026-01-01T00:00:00Z",
    });
    let mut others = left.clone();
    others["metadata"]["name"] = "others".into();
    others["spec"]["system"] = "bank".into();
    others["status"]["agent"] = "somebody".into();
    others["status"]["began"] = Timestamp::now().to_string().into();
    scene.shop.lock().apply(left);
    scene.shop.lock().apply(others);
    let left = scene.until_phase("left", "Finished").await;
    assert_eq!(left["verdict"]["outcome"], "inconclusive");
    assert_eq!(
        left["reason"],
        "the copy `another` of the agent has left it in the middle"
    );
    assert_eq!(left["began"], "2026-01-01T00:00:00Z");
    assert!(scene.shop.lock().evicted.is_empty());
    assert_eq!(scene.shop.lock().status("others")["phase"], "Running");
}

#[tokio::test]
async fn one_of_an_agent_that_is_gone_blocks_no_other_for_ever() {
    let mut scene = scene(&settings()).await;
    let mut gone = day("gone", 4, one_kill());
    gone["status"] = json!({
        "phase": "Running", "agent": "renamed", "copy": "another", "seed": 1,
        "began": "2026-01-01T00:00:00Z",
    });
    scene.shop.lock().apply(gone);
    scene.shop.lock().apply(day("next", 4, one_kill()));
    scene.until_phase("next", "Running").await;
    let gone = scene.shop.lock().status("gone");
    assert_eq!(gone["phase"], "Finished");
    assert_eq!(gone["verdict"]["outcome"], "inconclusive");
    assert_eq!(
        gone["reason"],
        "the agent `renamed` has left it in the middle"
    );
    scene.host.finish().await;
}

#[tokio::test]
async fn of_two_agents_that_begin_at_once_whoever_sees_the_other_takes_its_word_back() {
    let mut scene = scene(&settings()).await;
    let mut rival = day("rival", 4, one_kill());
    rival["status"] = json!({
        "phase": "Running", "agent": "other", "copy": "b", "seed": 1,
        "began": Timestamp::now().to_string(),
    });
    scene.shop.lock().begins_too = Some(rival);
    scene.shop.lock().apply(day("ours", 4, one_kill()));
    let ours = scene.until_phase("ours", "Pending").await;
    let reason = "it waits for shop/rival, which the agent `other` runs";
    assert_eq!(ours["reason"], reason);
    assert!(ours["began"].is_null(), "{ours:#}");
    scene.nothing_kills_any_more().await;
    assert!(scene.shop.lock().evicted.is_empty());
    scene.shop.lock().take_away("rival");
    let ours = scene.until_phase("ours", "Finished").await;
    assert!(has_passed(&ours), "{ours:#}");
}

#[tokio::test]
async fn it_begins_when_everything_is_at_rest() {
    let mut scene = scene(&settings()).await;
    scene.shop.lock().are_slow = true;
    scene.shop.lock().pods[1].1 = false;
    scene.shared.works.store(true, Ordering::SeqCst);
    let begun: LedgerEntry = serde_json::from_value(json!({
        "kill": "k", "agent": "other", "occasion": "k", "pod": "p", "podUid": "u",
        "at": Timestamp::now(), "notAfter": Timestamp::now(), "outcome": "killed",
        "owner": {"namespace": "shop", "kind": "Deployment", "name": "web"},
    }))
    .unwrap();
    let ledger = scene.shared.ledger();
    ledger
        .change(|it| it.kills = vec![begun.clone()])
        .await
        .unwrap();
    scene.shop.lock().apply(day("calm", 4, one_kill()));
    let waits = |scene: &Scene| scene.shop.lock().status("calm")["reason"].clone();
    scene.until_phase("calm", "Pending").await;
    assert_eq!(waits(&scene), "it waits for a kill of the schedule");
    assert!(scene.shared.hosts(), "the schedule begins nothing more");
    scene.shared.works.store(false, Ordering::SeqCst);
    let open = "it waits until shop/Deployment/web is whole";
    let says = |shop: &Shop, reason: &str| shop.status("calm")["reason"] == reason;
    scene.until(open, |shop| says(shop, open)).await;
    ledger.change(|it| it.kills.clear()).await.unwrap();
    let ready = "services.web: the pod shop/web-1 is not ready: wait until all are";
    scene.until(ready, |shop| says(shop, ready)).await;
    assert!(scene.shop.lock().evicted.is_empty());
    {
        let mut shop = scene.shop.lock();
        shop.are_slow = false;
        shop.pods[1].1 = true;
    }
    let calm = scene.until_phase("calm", "Finished").await;
    assert!(has_passed(&calm), "{calm:#}");
}

#[tokio::test]
async fn whoever_takes_it_away_before_it_begins_lets_the_schedule_go_on() {
    let mut scene = scene(&settings()).await;
    scene.shared.works.store(true, Ordering::SeqCst);
    scene.shop.lock().apply(day("calm", 4, one_kill()));
    scene.until_phase("calm", "Pending").await;
    assert!(scene.shared.hosts());
    scene.shop.lock().take_away("calm");
    for _ in 0..100 {
        scene.host.look().await;
        if !scene.shared.hosts() {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("it hosts a game day that is gone");
}

#[tokio::test]
async fn whoever_takes_it_away_ends_it() {
    let mut scene = scene(&settings()).await;
    scene.shop.lock().apply(day("taken", 22, an_outage()));
    scene
        .until("pods are kept down", |shop| shop.evicted.len() > 3)
        .await;
    scene.shop.lock().take_away("taken");
    for _ in 0..400 {
        scene.host.look().await;
        if !scene.shared.hosts() {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    assert!(!scene.shared.hosts(), "it still runs");
    scene.nothing_kills_any_more().await;
}

#[tokio::test]
async fn who_leads_no_more_ends_it_and_says_that_it_is_inconclusive() {
    let mut scene = scene(&settings()).await;
    scene.shop.lock().apply(day("left", 22, an_outage()));
    scene
        .until("pods are kept down", |shop| shop.evicted.len() > 3)
        .await;
    scene.shop.lock().is_lease_lost = true;
    // It is told that it has lost it.
    let _ = scene.shared.election.step().await;
    assert!(!scene.shared.election.is_leader());
    let evicted = scene.shop.lock().evicted.len();
    let left = scene.until_phase("left", "Finished").await;
    assert_eq!(left["verdict"]["outcome"], "inconclusive", "{left:#}");
    assert_eq!(left["reason"], "it was ended by a change of the leader");
    // What was sent already may have arrived.
    let later = scene.shop.lock().evicted.len();
    assert!(later <= evicted + 1, "{evicted}, then {later}");
    scene.nothing_kills_any_more().await;
}

#[tokio::test]
async fn a_dry_run_kills_nothing_and_is_inconclusive() {
    let mut spec = settings();
    spec.dry_run = true;
    let mut scene = scene(&spec).await;
    scene.shop.lock().apply(day("dry", 4, one_kill()));
    let dry = scene.until_phase("dry", "Finished").await;
    assert_eq!(dry["verdict"]["outcome"], "inconclusive", "{dry:#}");
    assert!(dry["reasons"].to_string().contains("dry run"), "{dry:#}");
    assert_eq!(dry["killCount"], 0);
    let shop = scene.shop.lock();
    assert!(shop.evicted.is_empty() && shop.kills.is_empty());
}

#[tokio::test]
async fn a_game_day_waits_a_while_for_its_system_and_not_for_ever() {
    let mut scene = scene(&settings()).await;
    let system = scene.shop.lock().systems.pop().unwrap();
    let mut young = day("young", 4, one_kill());
    young["metadata"]["creationTimestamp"] = Timestamp::now().to_string().into();
    scene.shop.lock().apply(day("old", 4, one_kill()));
    scene.shop.lock().apply(young);
    let missing = "spec.system: there is no System `shop` in the namespace `shop`";
    assert_eq!(scene.until_phase("old", "Refused").await["reason"], missing);
    assert_eq!(
        scene.until_phase("young", "Pending").await["reason"],
        missing
    );
    scene.shop.lock().systems.push(system);
    scene.until_phase("young", "Running").await;
    scene.host.finish().await;
    let ended = scene.shop.lock().status("young");
    assert_eq!(ended["verdict"]["outcome"], "inconclusive");
    assert_eq!(ended["reason"], "it was ended by the end of the agent");
}

#[test]
fn only_the_latest_runs_keep_their_folders() {
    let folder = tempfile::tempdir().unwrap();
    for run in 10..25 {
        let run = folder.path().join(format!("{run}-shop-day"));
        std::fs::create_dir(&run).unwrap();
        std::fs::write(run.join(crate::view::JOURNAL_FILE), "").unwrap();
    }
    let other = folder.path().join("00-other");
    std::fs::create_dir(&other).unwrap();
    take_away_old(folder.path()).unwrap();
    let mut left: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|it| it.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    left.sort();
    assert_eq!(left.len(), KEPT_RUNS);
    assert_eq!(left[..2], ["00-other", "16-shop-day"]);
    take_away_old(&folder.path().join("nothing")).unwrap();
}
