use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use parking_lot::Mutex;
use prometheus::Opts;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::*;
use crate::agent::cluster::OwnerName;
use crate::schema::{OwnerKind, Topic, WebhookForm};

/// What a receiver answers, one after another, and what it was sent.
#[derive(Clone, Default)]
struct Receiver {
    answers: Arc<Vec<u16>>,
    asked: Arc<AtomicUsize>,
    bodies: Arc<Mutex<Vec<String>>>,
}

async fn receive(State(it): State<Receiver>, body: String) -> StatusCode {
    it.bodies.lock().push(body);
    let number = it.asked.fetch_add(1, Ordering::SeqCst);
    let answer = it.answers.get(number).copied().unwrap_or(200);
    StatusCode::from_u16(answer).unwrap()
}

/// A receiver at a real port, and a webhook whose URL stands in a file.
async fn served(answers: &[u16]) -> (Receiver, Webhook, TempDir) {
    let receiver = Receiver {
        answers: Arc::new(answers.to_vec()),
        ..Receiver::default()
    };
    let router = Router::new()
        .route("/hook/secret", post(receive))
        .with_state(receiver.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("url");
    std::fs::write(&file, format!("http://{address}/hook/secret\n")).unwrap();
    let webhook = Webhook {
        name: "ops".to_owned(),
        form: WebhookForm::Slack,
        url_file: file.to_str().unwrap().to_owned(),
        about: vec![Topic::Killed],
    };
    (receiver, webhook, folder)
}

fn news(topic: Topic) -> News {
    News {
        topic,
        agent: "weekday".to_owned(),
        owner: OwnerName {
            namespace: "shop".to_owned(),
            kind: OwnerKind::Deployment,
            name: "web".to_owned(),
        },
        pod: None,
        reason: String::new(),
        at: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn counter() -> IntCounterVec {
    IntCounterVec::new(Opts::new("webhooks", "help"), &["name", "result"]).unwrap()
}

fn count(results: &IntCounterVec, result: &str) -> u64 {
    results.with_label_values(&["ops", result]).get()
}

#[tokio::test]
async fn what_a_receiver_wants_to_know_is_posted_once() {
    let (receiver, webhook, _folder) = served(&[]).await;
    let (results, mut tasks) = (counter(), JoinSet::new());
    let hook = Hook::serve(&webhook, &results, &mut tasks);
    hook.tell(&news(Topic::Killed));
    hook.tell(&news(Topic::Refused));
    drop(hook);
    tasks.join_all().await;
    let expected = r#"{"text":"weekday: a pod of shop/Deployment/web was killed"}"#;
    assert_eq!(*receiver.bodies.lock(), [expected]);
    assert_eq!(count(&results, "delivered"), 1);
}

#[tokio::test]
async fn a_receiver_that_is_overloaded_is_asked_again_and_one_that_refuses_is_not() {
    for (answers, asked, result) in [
        (&[503, 200][..], 2, "delivered"),
        (&[429, 200], 2, "delivered"),
        (&[404, 200], 1, "failed"),
    ] {
        let (receiver, webhook, _folder) = served(answers).await;
        let (results, mut tasks) = (counter(), JoinSet::new());
        Hook::serve(&webhook, &results, &mut tasks).tell(&news(Topic::Killed));
        tasks.join_all().await;
        assert_eq!(receiver.asked.load(Ordering::SeqCst), asked, "{answers:?}");
        assert_eq!(count(&results, result), 1, "{answers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_not_there_is_given_up_and_its_url_is_not_told() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("url");
    // A port that nobody listens to: it was bound and given back.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    let (_, mut webhook, _folder) = served(&[]).await;
    webhook.url_file = file.to_str().unwrap().to_owned();
    for text in [
        format!("http://{address}/hook/secret"),
        "hook/secret".to_owned(),
        "ftp://hook/secret".to_owned(),
    ] {
        std::fs::write(&file, &text).unwrap();
        let error = deliver(&webhook, &news(Topic::Killed)).await.unwrap_err();
        assert!(!error.contains("secret"), "{error}");
        assert!(trouble(&webhook).await.is_some());
    }
    webhook.url_file = "/does/not/exist".to_owned();
    let error = trouble(&webhook).await.unwrap();
    assert!(
        error.starts_with("/does/not/exist: cannot be read"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_too_much_is_left_and_nobody_waits() {
    let (_, webhook, _folder) = served(&[]).await;
    let (results, mut tasks) = (counter(), JoinSet::new());
    let hook = Hook::serve(&webhook, &results, &mut tasks);
    // Nothing is delivered as long as this test does not wait.
    for _ in 0..QUEUE + 3 {
        hook.tell(&news(Topic::Killed));
    }
    assert_eq!(count(&results, "left"), 3);
}
