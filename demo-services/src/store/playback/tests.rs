use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const USERS: u32 = 2;
const TITLES: u32 = 2;

fn write(key: usize, user: u32, title: u32, sequence: u64) -> PositionWrite {
    PositionWrite {
        key: key.to_string(),
        user,
        position: Position {
            title,
            sequence,
            // Two writes with one sequence differ here, so that it shows which one was kept.
            seconds: sequence * 100 + key as u64,
        },
    }
}

fn start(stream: &str, device: &str) -> StartStream {
    StartStream {
        stream: stream.to_owned(),
        user: 1,
        device: device.to_owned(),
        title: 1,
        limit: 1,
        lease_seconds: 60,
    }
}

/// Two replicas on one file.
async fn replicas() -> (tempfile::TempDir, [SqlitePlayback; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("playback.sqlite");
    let one = SqlitePlayback::open(&path).await.unwrap();
    let other = SqlitePlayback::open(&path).await.unwrap();
    (folder, [one, other])
}

/// What playback promises, in memory.
#[derive(Default)]
struct Model {
    positions: BTreeMap<(u32, u32), Position>,
    results: BTreeMap<String, Position>,
}

impl Model {
    fn save(&mut self, write: &PositionWrite) -> Position {
        if let Some(result) = self.results.get(&write.key) {
            return *result;
        }
        let place = (write.user, write.position.title);
        let stored = self.positions.entry(place).or_insert(write.position);
        if write.position.sequence > stored.sequence {
            *stored = write.position;
        }
        self.results.insert(write.key.clone(), *stored);
        *stored
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Sequences come in any order, each write any number of times, at either replica.
    #[test]
    fn every_answer_is_the_one_of_the_naive_model(
        writes in prop::collection::vec((0..USERS, 0..TITLES, 0..6_u64), 1..12),
        attempts in prop::collection::vec((any::<prop::sample::Index>(), 0..2_usize), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_folder, replicas) = replicas().await;
            let mut model = Model::default();
            for (index, replica) in &attempts {
                let key = index.index(writes.len());
                let (user, title, sequence) = writes[key];
                let write = write(key, user, title, sequence);
                let answer = replicas[*replica].save(&write).await.unwrap();
                prop_assert_eq!(answer, model.save(&write));
            }
            for user in 0..USERS {
                let mut all = replicas[0].positions(user).await.unwrap();
                all.sort_by_key(|position| position.title);
                let expected: Vec<_> = model
                    .positions
                    .range((user, 0)..(user + 1, 0))
                    .map(|(_, position)| *position)
                    .collect();
                prop_assert_eq!(all, expected);
            }
            Ok(())
        })?;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_write_at_once_end_at_the_highest_sequence() {
    let (_folder, replicas) = replicas().await;
    let tasks: Vec<_> = (0..40_usize)
        .map(|number| {
            let replica = replicas[number % 2].clone();
            // 17 and 40 have no common divisor: every sequence once, far from in order.
            let write = write(number, 1, 1, (number * 17 % 40) as u64);
            tokio::spawn(async move {
                // A lock that is held for too long is an error that a caller may repeat.
                while replica.save(&write).await.is_err() {}
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let stored = replicas[0].position(1, 1).await.unwrap().unwrap();
    assert_eq!(stored.sequence, 39);
    assert_eq!(count(&replicas[1], "SELECT count(*) FROM writes").await, 40);
}

#[tokio::test]
async fn a_key_is_one_write_and_only_one() {
    let (_folder, [store, _]) = replicas().await;
    let first = store.save(&write(1, 1, 1, 5)).await.unwrap();
    store.save(&write(2, 1, 1, 9)).await.unwrap();
    assert_eq!(store.save(&write(1, 1, 1, 5)).await.unwrap(), first);
    let reused = store.save(&write(1, 1, 1, 6)).await;
    assert!(matches!(reused, Err(WriteError::KeyReused)));
    assert_eq!(store.positions(1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn streams_are_leases_per_device() {
    let (_folder, [store, other]) = replicas().await;
    store.start(&start("a", "tv")).await.unwrap();
    other.start(&start("b", "tv")).await.unwrap();
    let second = store.start(&start("c", "phone")).await;
    assert!(matches!(second, Err(StreamError::TooMany)));
    assert_eq!(store.renew("a", 60).await.unwrap(), None);
    assert!(store.renew("b", 60).await.unwrap().is_some());
    assert!(store.stop("b").await.unwrap());
    store.start(&start("c", "phone")).await.unwrap();
    end_all_leases(&store).await;
    store.start(&start("d", "tv")).await.unwrap();
}

#[tokio::test]
async fn a_start_repeated_on_another_device_is_another_start() {
    let (_folder, [store, _]) = replicas().await;
    store.start(&start("a", "tv")).await.unwrap();
    store.start(&start("a", "tv")).await.unwrap();
    let reused = store.start(&start("a", "phone")).await;
    assert!(matches!(reused, Err(StreamError::KeyReused)));
}

#[tokio::test]
async fn what_has_ended_is_forgotten_and_nothing_else() {
    let (_folder, [store, _]) = replicas().await;
    store.start(&start("old", "tv")).await.unwrap();
    end_all_leases(&store).await;
    store.start(&start("new", "phone")).await.unwrap();
    store.save(&write(1, 1, 1, 5)).await.unwrap();
    sqlx::query("UPDATE writes SET written = 1")
        .execute(&store.store.writer)
        .await
        .unwrap();
    store.save(&write(2, 1, 2, 5)).await.unwrap();
    store.forget_ended().await.unwrap();
    assert_eq!(count(&store, "SELECT count(*) FROM streams").await, 1);
    assert_eq!(count(&store, "SELECT count(*) FROM writes").await, 1);
    assert_eq!(store.positions(1).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_replica_starts_while_another_writes() {
    let (folder, [writing, _]) = replicas().await;
    let transaction = writing.store.writer.begin_with("BEGIN IMMEDIATE");
    let transaction = transaction.await.unwrap();
    let started = SqlitePlayback::open(&folder.path().join("playback.sqlite")).await;
    assert!(started.is_ok(), "{:?}", started.err());
    drop(transaction);
}

#[tokio::test]
async fn the_position_saved_last_comes_first() {
    let (_folder, [store, _]) = replicas().await;
    for (title, saved) in [(1, 10), (2, 30), (3, 30), (4, 20)] {
        store
            .save(&write(title as usize, 1, title, 1))
            .await
            .unwrap();
        sqlx::query("UPDATE positions SET saved = ? WHERE title = ?")
            .bind(saved)
            .bind(title)
            .execute(&store.store.writer)
            .await
            .unwrap();
    }
    let positions = store.positions(1).await.unwrap();
    let titles: Vec<_> = positions.iter().map(|position| position.title).collect();
    assert_eq!(titles, [2, 3, 4, 1]);
}

async fn end_all_leases(store: &SqlitePlayback) {
    sqlx::query("UPDATE streams SET until = 1")
        .execute(&store.store.writer)
        .await
        .unwrap();
}

async fn count(store: &SqlitePlayback, query: &'static str) -> i64 {
    sqlx::query_scalar(query)
        .fetch_one(&store.store.writer)
        .await
        .unwrap()
}
