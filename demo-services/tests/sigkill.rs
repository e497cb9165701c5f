//! Two replicas write to the same files and are killed with SIGKILL again and again, at any
//! instant. Afterwards every write that was acknowledged is there, once.
#![allow(
    clippy::unwrap_used,
    reason = "a test, though one with a `main` of its own that clippy does not know as one"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use demo_services::store::{
    OutboxEntry, OutboxStore, PlaybackStore, Position, PositionWrite, SqliteOutbox, SqlitePlayback,
    WriteError,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The argument that makes this program a replica.
const REPLICA: &str = "--replica";

const SEED: u64 = 7;
const KILLS: usize = 40;
const TITLES: u64 = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    if let Some(place) = arguments.iter().position(|argument| argument == REPLICA) {
        let number = |offset: usize| arguments[place + offset].parse::<u64>().unwrap();
        runtime.block_on(write_for_ever(
            Path::new(&arguments[place + 1]),
            u32::try_from(number(2)).unwrap(),
            number(3),
        ));
        return;
    }
    if arguments.iter().any(|argument| argument == "--list") {
        println!("what_was_acknowledged_survives_sigkill: test");
        return;
    }
    what_was_acknowledged_survives_sigkill(&runtime);
    println!("test what_was_acknowledged_survives_sigkill ... ok");
}

fn position(user: u32, sequence: u64) -> PositionWrite {
    PositionWrite {
        key: format!("{user}/{sequence}"),
        user,
        position: Position {
            title: u32::try_from(sequence % TITLES).unwrap(),
            sequence,
            seconds: sequence * 2,
        },
    }
}

fn entry(user: u32, sequence: u64) -> OutboxEntry {
    OutboxEntry {
        key: sequence.to_string(),
        user,
        title: u32::try_from(sequence % TITLES).unwrap(),
        sequence,
        seconds: sequence * 2,
    }
}

/// A replica: writes one position after the other and says which one is acknowledged.
async fn write_for_ever(folder: &Path, user: u32, first: u64) {
    let playback = SqlitePlayback::open(&folder.join("playback.sqlite"))
        .await
        .unwrap();
    let outbox = SqliteOutbox::open(&folder.join("outbox.sqlite"))
        .await
        .unwrap();
    let mut out = std::io::stdout();
    for sequence in first.. {
        // A lock that is held for too long is an error that a caller may repeat.
        while playback.save(&position(user, sequence)).await.is_err() {}
        writeln!(out, "playback {sequence}").unwrap();
        while outbox.enqueue(&entry(user, sequence)).await.is_err() {}
        writeln!(out, "outbox {sequence}").unwrap();
        out.flush().unwrap();
    }
}

/// As set-up does, before any replica starts.
async fn make_files(folder: &Path) {
    let path = folder.join("playback.sqlite");
    SqlitePlayback::open(&path).await.unwrap().close().await;
    let path = folder.join("outbox.sqlite");
    SqliteOutbox::open(&path).await.unwrap().close().await;
}

struct Replica {
    process: Child,
    said: BufReader<ChildStdout>,
}

impl Replica {
    fn start(folder: &Path, user: u32, first: u64) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .arg(REPLICA)
            .arg(folder)
            .args([user.to_string(), first.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        Self { process, said }
    }

    fn read_line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // On Unix this is SIGKILL.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the replicas said was written.
#[derive(Default)]
struct Acknowledged {
    playback: BTreeSet<(u32, u64)>,
    outbox: BTreeSet<(u32, u64)>,
}

impl Acknowledged {
    /// Nothing for a line that the kill cut short: nobody was told.
    fn hear(&mut self, user: u32, line: &str) -> Option<u64> {
        let (kind, sequence) = line.strip_suffix('\n')?.split_once(' ')?;
        let sequence = sequence.parse().unwrap();
        match kind {
            "playback" => self.playback.insert((user, sequence)),
            _ => self.outbox.insert((user, sequence)),
        };
        Some(sequence)
    }
}

fn what_was_acknowledged_survives_sigkill(runtime: &tokio::runtime::Runtime) {
    let folder = tempfile::tempdir().unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut acknowledged = Acknowledged::default();
    let mut next = [1_u64; 2];
    runtime.block_on(make_files(folder.path()));
    let mut replicas = [0, 1].map(|user| Replica::start(folder.path(), user, 1));
    for _ in 0..KILLS {
        let victim = random.random_range(0..2_usize);
        let user = u32::try_from(victim).unwrap();
        for _ in 0..random.random_range(1..30) {
            let line = replicas[victim].read_line();
            assert!(!line.is_empty(), "a replica ended by itself");
            acknowledged.hear(user, &line);
        }
        // Somewhere between two lines, in the middle of some transaction.
        for _ in 0..random.random_range(0..200_000_u32) {
            std::hint::spin_loop();
        }
        replicas[victim].process.kill().unwrap();
        replicas[victim].process.wait().unwrap();
        loop {
            let line = replicas[victim].read_line();
            if line.is_empty() {
                break;
            }
            acknowledged.hear(user, &line);
        }
        let last = acknowledged.playback.range((user, 0)..(user + 1, 0)).last();
        // The write after the last acknowledged one may or may not be there: it is repeated.
        next[victim] = last.map_or(1, |(_, sequence)| sequence + 1);
        replicas[victim] = Replica::start(folder.path(), user, next[victim]);
    }
    for (user, replica) in (0..).zip(&mut replicas) {
        replica.process.kill().unwrap();
        replica.process.wait().unwrap();
        loop {
            let line = replica.read_line();
            if line.is_empty() {
                break;
            }
            acknowledged.hear(user, &line);
        }
    }
    assert!(acknowledged.playback.len() > KILLS);
    assert!(acknowledged.outbox.len() > KILLS);
    runtime.block_on(assert_all_there(folder.path(), &acknowledged));
}

async fn assert_all_there(folder: &Path, acknowledged: &Acknowledged) {
    let playback = SqlitePlayback::open(&folder.join("playback.sqlite"))
        .await
        .unwrap();
    let mut highest: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    for &(user, sequence) in &acknowledged.playback {
        // The key is taken, so its result was stored with it; nothing is written by asking.
        let mut other = position(user, sequence);
        other.position.seconds += 1;
        let asked = playback.save(&other).await;
        assert!(
            matches!(asked, Err(WriteError::KeyReused)),
            "the acknowledged write {sequence} of {user} is lost: {asked:?}"
        );
        let title = other.position.title;
        let last = highest.entry((user, title)).or_default();
        *last = sequence.max(*last);
    }
    for ((user, title), sequence) in highest {
        let stored = playback.position(user, title).await.unwrap().unwrap();
        assert!(stored.sequence >= sequence, "{user} {title}: {stored:?}");
        assert_eq!(stored.seconds, stored.sequence * 2, "half a write");
    }

    let outbox = SqliteOutbox::open(&folder.join("outbox.sqlite"))
        .await
        .unwrap();
    for user in 0..2 {
        let pending = outbox.pending(user).await.unwrap();
        let kept: BTreeSet<u64> = pending.iter().map(|entry| entry.sequence).collect();
        assert_eq!(kept.len(), pending.len(), "an entry is there twice");
        for &(_, sequence) in acknowledged.outbox.range((user, 0)..(user + 1, 0)) {
            assert!(
                kept.contains(&sequence),
                "entry {sequence} of {user} is lost"
            );
        }
    }
}
