//! Settings that change, and what is served, of an agent in a scripted cluster.

use std::collections::VecDeque;

use parking_lot::Mutex;
use serde_json::Value;

use super::*;
use crate::schema::OptIn;
use crate::target::kubernetes::scripted::{self, Reply, refusal, with};
use crate::target::kubernetes::watch::tests::nothing;

/// A cluster that holds a ledger and nothing else, as the watches see, too.
fn client() -> kube::Client {
    let ledger: Mutex<Option<Value>> = Mutex::default();
    let (client, _) = scripted::cluster(move |line, body, _| {
        let mut ledger = ledger.lock();
        match line.split(' ').next() {
            Some("POST" | "PUT") => {
                *ledger = Some(body.clone());
                with(200, body)
            }
            _ if line.contains("watch=true") => Reply::Never,
            _ if line.contains("chaos-ledger") => match &*ledger {
                Some(ledger) => with(200, ledger),
                None => refusal(404, "NotFound", "no ledger"),
            },
            _ => nothing(),
        }
    });
    client
}

/// The parts of an agent that goes by the default settings.
pub(super) async fn shared(client: kube::Client) -> (Arc<Shared>, JoinSet<()>) {
    shared_by(client, &AgentSpec::default())
}

/// The parts of an agent that goes by some settings.
pub(super) fn shared_by(client: kube::Client, spec: &AgentSpec) -> (Arc<Shared>, JoinSet<()>) {
    let mut watching = JoinSet::new();
    let rules = settings::rules_of(spec, None).unwrap();
    let going = settings::go(rules, spec, 1, &client, &mut watching);
    let election = Election::new(client.clone(), "home", "lease".to_owned(), "me".to_owned());
    let shared = Arc::new(Shared {
        metrics: Metrics::new().unwrap(),
        teller: Teller::new(client.clone(), "platform", "me"),
        going: RwLock::new(going),
        connection: Connection {
            client,
            context: "scripted".to_owned(),
            namespace: "default".to_owned(),
        },
        namespace: "home".to_owned(),
        name: "platform".to_owned(),
        identity: "me".to_owned(),
        election,
        is_ending: AtomicBool::new(false),
        hosts: AtomicBool::new(false),
        works: AtomicBool::new(false),
        itself: None,
    });
    (shared, watching)
}

#[tokio::test]
async fn new_settings_are_applied_and_bad_ones_refused_loudly() {
    let (shared, watching) = shared(client()).await;
    let offered = AgentSpec {
        opt_in: OptIn::None,
        dry_run: false,
        ..AgentSpec::default()
    };
    let mut bad = AgentSpec::default();
    bad.schedule.time_zone = "Mars/Olympus".to_owned();
    let name = || "platform".to_owned();
    let reads = VecDeque::from([
        Ok((name(), AgentSpec::default())),
        Ok((name(), bad)),
        Ok(("other".to_owned(), AgentSpec::default())),
        Err("agent.yaml: it is gone".to_owned()),
        Ok((name(), offered)),
    ]);
    let reads = Mutex::new(reads);
    let read: ReadSettings = Arc::new(move || reads.lock().pop_front().unwrap());
    let mut reloader = Reloader::new(Arc::clone(&shared), read, AgentSpec::default(), watching);
    let first = shared.going().rules;
    for is_bad in [0, 1, 1, 1] {
        reloader.look().await;
        assert_eq!(shared.metrics.settings_are_bad.get(), is_bad);
        assert!(
            Arc::ptr_eq(&first, &shared.going().rules),
            "the old ones stay"
        );
        assert!(shared.going().is_dry_run);
    }
    reloader.look().await;
    assert_eq!(shared.metrics.settings_are_bad.get(), 0);
    assert!(!Arc::ptr_eq(&first, &shared.going().rules));
    assert!(!shared.going().is_dry_run);
    let ledger = shared.ledger().get().await.unwrap().unwrap();
    let published = ledger.spec().agents["platform"].spec().unwrap();
    assert_eq!(published.opt_in, OptIn::None);
}

/// The status and the text of an answer.
async fn get(address: SocketAddr, path: &str) -> (String, String) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.lines().next().unwrap_or_default();
    (status.to_owned(), body.to_owned())
}

#[tokio::test]
async fn it_is_alive_at_once_and_not_ready_before_it_knows_the_cluster() {
    // Watches that nobody runs know nothing.
    let (shared, mut watching) = shared(client()).await;
    watching.shutdown().await;
    let rules = Arc::clone(&shared.going().rules);
    shared.going.write().watches = Watches::new(rules);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve::serve(listener, Arc::clone(&shared)));
    let (status, body) = get(address, "/healthz").await;
    assert_eq!(
        (status.as_str(), body.as_str()),
        ("HTTP/1.1 200 OK", "alive\n")
    );
    let (status, _) = get(address, "/readyz").await;
    assert!(status.contains("503"), "{status}");
    let watches = shared.going().watches;
    shared.metrics.surveyed(&watches.survey());
    let (_, text) = get(address, "/metrics").await;
    for line in [
        "chaos_monkey_leader 0",
        "chaos_monkey_owners 0",
        "chaos_monkey_pods_filtered{filter=\"opt-in\"} 0",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_ready_once_it_knows_the_cluster() {
    let (shared, _watching) = shared(client()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve::serve(listener, Arc::clone(&shared)));
    let ready = async {
        loop {
            let answer = get(address, "/readyz").await;
            if answer.0.contains("200") {
                return answer.1;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let ready = tokio::time::timeout(Duration::from_secs(60), ready).await;
    assert_eq!(ready.unwrap(), "ready\n");
}
