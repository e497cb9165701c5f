use std::collections::BTreeMap;

use demo_services::store::{
    PlaybackStore, Position, PositionWrite, StartStream, StreamError, WriteError,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{Dialect, Part, until_done};

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

/// Sequences come in any order, each write any number of times, at either replica.
pub(crate) async fn every_answer_is_the_one_of_the_naive_model<D: Dialect>() {
    let writes = prop::collection::vec((0..USERS, 0..TITLES, 0..6_u64), 1..12);
    let attempts = prop::collection::vec((any::<prop::sample::Index>(), 0..2_usize), 1..40);
    let runtime = tokio::runtime::Handle::current();
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(32)
    });
    let checking = move || {
        runner.run(&(writes, attempts), |(writes, attempts)| {
            runtime.block_on(is_the_model::<D>(&writes, &attempts))
        })
    };
    let checked = tokio::task::spawn_blocking(checking).await.unwrap();
    checked.unwrap();
}

async fn is_the_model<D: Dialect>(
    writes: &[(u32, u32, u64)],
    attempts: &[(prop::sample::Index, usize)],
) -> Result<(), TestCaseError> {
    let dialect = D::fresh().await;
    let replicas = [dialect.playback().await, dialect.playback().await];
    let mut model = Model::default();
    for (index, replica) in attempts {
        let key = index.index(writes.len());
        let (user, title, sequence) = writes[key];
        let write = write(key, user, title, sequence);
        let answer = replicas[*replica].save(&write).await.unwrap();
        prop_assert_eq!(answer, model.save(&write));
    }
    for user in 0..USERS {
        let mut all = replicas[0].positions(user).await.unwrap();
        all.sort_by_key(|position| position.title);
        let of_user = model.positions.range((user, 0)..(user + 1, 0));
        let expected: Vec<_> = of_user.map(|(_, position)| *position).collect();
        prop_assert_eq!(all, expected);
    }
    Ok(())
}

pub(crate) async fn replicas_that_write_at_once_end_at_the_highest_sequence<D: Dialect>() {
    let dialect = D::fresh().await;
    let replicas = [dialect.playback().await, dialect.playback().await];
    let tasks: Vec<_> = (0..40_usize)
        .map(|number| {
            let replica = replicas[number % 2].clone();
            // 17 and 40 have no common divisor: every sequence once, far from in order.
            let write = write(number, 1, 1, (number * 17 % 40) as u64);
            tokio::spawn(async move { until_done(|| replica.save(&write)).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let stored = replicas[0].position(1, 1).await.unwrap().unwrap();
    assert_eq!(stored.sequence, 39);
    let written = "SELECT count(*) FROM writes";
    assert_eq!(dialect.count(Part::Playback, written).await, 40);
}

pub(crate) async fn attempts_at_once_are_one_write<D: Dialect>() {
    let dialect = D::fresh().await;
    let replicas = [dialect.playback().await, dialect.playback().await];
    for round in 0..10 {
        let tasks: Vec<_> = (0..6)
            .map(|attempt: usize| {
                let replica = replicas[attempt % 2].clone();
                let write = write(round, 1, 1, 1 + round as u64 % 3);
                tokio::spawn(async move { until_done(|| replica.save(&write)).await })
            })
            .collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
    }
    let written = "SELECT count(*) FROM writes";
    assert_eq!(dialect.count(Part::Playback, written).await, 10);
}

pub(crate) async fn a_key_is_one_write_and_only_one<D: Dialect>() {
    let dialect = D::fresh().await;
    let store = dialect.playback().await;
    let first = store.save(&write(1, 1, 1, 5)).await.unwrap();
    store.save(&write(2, 1, 1, 9)).await.unwrap();
    assert_eq!(store.save(&write(1, 1, 1, 5)).await.unwrap(), first);
    for other in [write(1, 1, 1, 6), write(1, 1, 2, 5), write(1, 2, 1, 5)] {
        let reused = store.save(&other).await;
        assert!(matches!(reused, Err(WriteError::KeyReused)), "{other:?}");
    }
    assert_eq!(store.positions(1).await.unwrap().len(), 1);
    assert_eq!(store.positions(2).await.unwrap(), []);
    let huge = store.save(&write(3, 1, 1, i64::MAX as u64 / 100 + 1)).await;
    assert!(matches!(huge, Err(WriteError::TooLarge(_))));
}

pub(crate) async fn streams_are_leases_per_device<D: Dialect>() {
    let dialect = D::fresh().await;
    let (store, other) = (dialect.playback().await, dialect.playback().await);
    store.start(&start("a", "tv")).await.unwrap();
    other.start(&start("b", "tv")).await.unwrap();
    let second = store.start(&start("c", "phone")).await;
    assert!(matches!(second, Err(StreamError::TooMany)));
    assert_eq!(store.renew("a", 60).await.unwrap(), None);
    assert!(store.renew("b", 60).await.unwrap().is_some());
    assert!(store.stop("b").await.unwrap());
    assert!(!other.stop("b").await.unwrap());
    store.start(&start("c", "phone")).await.unwrap();
    dialect
        .change(Part::Playback, "UPDATE streams SET until = 1")
        .await;
    assert_eq!(store.renew("c", 60).await.unwrap(), None);
    store.start(&start("d", "tv")).await.unwrap();
}

pub(crate) async fn starts_at_once_do_not_pass_the_limit<D: Dialect>() {
    const LIMIT: u32 = 2;
    let dialect = D::fresh().await;
    let replicas = [dialect.playback().await, dialect.playback().await];
    for user in 0..10 {
        let tasks: Vec<_> = (0..6)
            .map(|device: usize| {
                let replica = replicas[device % 2].clone();
                let start = StartStream {
                    user,
                    limit: LIMIT,
                    ..start(&format!("{user}-{device}"), &device.to_string())
                };
                tokio::spawn(async move { has_started(&*replica, &start).await })
            })
            .collect();
        let mut started = 0;
        for task in tasks {
            started += u32::from(task.await.unwrap());
        }
        assert_eq!(started, LIMIT);
    }
    let streams = dialect
        .count(Part::Playback, "SELECT count(*) FROM streams")
        .await;
    assert_eq!(streams, 20);
}

/// Whether there was room for it.
async fn has_started(store: &dyn PlaybackStore, stream: &StartStream) -> bool {
    loop {
        match store.start(stream).await {
            Ok(_) => return true,
            Err(StreamError::TooMany) => return false,
            Err(StreamError::KeyReused) => panic!("{stream:?} was started as another one"),
            // A lock that is held for too long is an error that a caller may repeat.
            Err(StreamError::Store(_)) => tokio::task::yield_now().await,
        }
    }
}

pub(crate) async fn a_start_repeated_on_another_device_is_another_start<D: Dialect>() {
    let dialect = D::fresh().await;
    let store = dialect.playback().await;
    let first = store.start(&start("a", "tv")).await.unwrap();
    let again = store.start(&start("a", "tv")).await.unwrap();
    assert_eq!(first.stream, again.stream);
    assert!(first.until <= again.until);
    let reused = store.start(&start("a", "phone")).await;
    assert!(matches!(reused, Err(StreamError::KeyReused)));
}

pub(crate) async fn what_has_ended_is_forgotten_and_nothing_else<D: Dialect>() {
    let dialect = D::fresh().await;
    let store = dialect.playback().await;
    store.start(&start("old", "tv")).await.unwrap();
    dialect
        .change(Part::Playback, "UPDATE streams SET until = 1")
        .await;
    store.start(&start("new", "phone")).await.unwrap();
    store.save(&write(1, 1, 1, 5)).await.unwrap();
    dialect
        .change(Part::Playback, "UPDATE writes SET written = 1")
        .await;
    store.save(&write(2, 1, 2, 5)).await.unwrap();
    store.forget_ended().await.unwrap();
    for left in [
        "SELECT count(*) FROM streams",
        "SELECT count(*) FROM writes",
    ] {
        assert_eq!(dialect.count(Part::Playback, left).await, 1, "{left}");
    }
    assert_eq!(store.positions(1).await.unwrap().len(), 2);
}

pub(crate) async fn the_position_saved_last_comes_first<D: Dialect>() {
    let dialect = D::fresh().await;
    let store = dialect.playback().await;
    for title in 1..=4 {
        store
            .save(&write(title as usize, 1, title, 1))
            .await
            .unwrap();
    }
    for saved in [
        "UPDATE positions SET saved = 10",
        "UPDATE positions SET saved = 30 WHERE title = 2 OR title = 3",
        "UPDATE positions SET saved = 20 WHERE title = 4",
    ] {
        dialect.change(Part::Playback, saved).await;
    }
    let positions = store.positions(1).await.unwrap();
    let titles: Vec<_> = positions.iter().map(|position| position.title).collect();
    assert_eq!(titles, [2, 3, 4, 1]);
}
