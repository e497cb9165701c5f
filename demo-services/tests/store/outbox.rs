use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use demo_services::store::{OutboxEntry, WriteError};
use parking_lot::Mutex;

use super::{Dialect, Part, until_done};

const LEASE: Duration = Duration::from_secs(60);

fn position(key: &str, sequence: u64) -> OutboxEntry {
    OutboxEntry {
        key: key.to_owned(),
        user: 1,
        title: 2,
        sequence,
        seconds: 60,
    }
}

pub(crate) async fn an_entry_is_kept_once_claimed_once_and_settled<D: Dialect>() {
    let dialect = D::fresh().await;
    let (one, other) = (dialect.outbox().await, dialect.outbox().await);
    assert_eq!(one.claim(10, LEASE).await.unwrap(), []);

    one.enqueue(&position("a", 1)).await.unwrap();
    other.enqueue(&position("a", 1)).await.unwrap();
    other.enqueue(&position("b", 2)).await.unwrap();
    assert_eq!(
        one.pending(1).await.unwrap(),
        [position("a", 1), position("b", 2)]
    );
    assert_eq!(one.pending(7).await.unwrap(), []);

    let first = one.claim(1, LEASE).await.unwrap();
    assert_eq!(first[0].entry, position("a", 1));
    let second = other.claim(10, LEASE).await.unwrap();
    assert_eq!(second[0].entry, position("b", 2));
    assert_eq!(other.claim(10, LEASE).await.unwrap(), []);
    for claimed in first.iter().chain(&second) {
        one.done(claimed.id).await.unwrap();
    }
    assert_eq!(other.pending(1).await.unwrap(), []);
}

pub(crate) async fn a_key_belongs_to_its_user_and_to_one_position<D: Dialect>() {
    let dialect = D::fresh().await;
    let outbox = dialect.outbox().await;
    outbox.enqueue(&position("a", 1)).await.unwrap();
    let of_another = OutboxEntry {
        user: u32::MAX,
        title: u32::MAX,
        ..position("a", i64::MAX as u64)
    };
    outbox.enqueue(&of_another).await.unwrap();
    assert_eq!(outbox.pending(u32::MAX).await.unwrap(), [of_another]);
    let reused = outbox.enqueue(&position("a", 9)).await;
    assert!(matches!(reused, Err(WriteError::KeyReused)));
    let huge = outbox.enqueue(&position("b", u64::MAX)).await;
    assert!(matches!(huge, Err(WriteError::TooLarge(_))));
    assert_eq!(outbox.pending(1).await.unwrap(), [position("a", 1)]);
}

pub(crate) async fn a_lease_that_ended_lets_another_gateway_deliver<D: Dialect>() {
    let dialect = D::fresh().await;
    let (one, other) = (dialect.outbox().await, dialect.outbox().await);
    one.enqueue(&position("a", 1)).await.unwrap();
    let taken = one.claim(10, LEASE).await.unwrap();
    assert_eq!(other.claim(10, LEASE).await.unwrap(), []);
    dialect
        .change(Part::Outbox, "UPDATE outbox SET leased_until = 1")
        .await;
    assert_eq!(other.claim(10, LEASE).await.unwrap(), taken);
    assert_eq!(one.claim(10, LEASE).await.unwrap(), []);
}

pub(crate) async fn gateways_that_claim_at_once_deliver_each_entry_once<D: Dialect>() {
    const ENTRIES: u64 = 120;
    let dialect = D::fresh().await;
    let replicas = [dialect.outbox().await, dialect.outbox().await];
    let delivered: Arc<Mutex<BTreeMap<String, u32>>> = Arc::default();

    let keeping: Vec<_> = (0..2)
        .map(|part| {
            let replica = replicas[part as usize].clone();
            tokio::spawn(async move {
                for number in (0..ENTRIES).filter(|number| number % 2 == part) {
                    let entry = position(&number.to_string(), number);
                    until_done(|| replica.enqueue(&entry)).await;
                }
            })
        })
        .collect();
    let delivering: Vec<_> = (0..4)
        .map(|number: usize| {
            let replica = replicas[number % 2].clone();
            let delivered = Arc::clone(&delivered);
            tokio::spawn(async move {
                while (delivered.lock().len() as u64) < ENTRIES {
                    for claimed in until_done(|| replica.claim(7, LEASE)).await {
                        *delivered.lock().entry(claimed.entry.key).or_default() += 1;
                        until_done(|| replica.done(claimed.id)).await;
                    }
                }
            })
        })
        .collect();
    for task in keeping.into_iter().chain(delivering) {
        task.await.unwrap();
    }
    assert!(delivered.lock().values().all(|times| *times == 1));
    assert_eq!(replicas[0].pending(1).await.unwrap(), []);
}
