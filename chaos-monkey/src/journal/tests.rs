use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use super::*;
use crate::schema::{GameDay, Phase};

/// A disk in memory that can be full, and slow.
#[derive(Clone, Default)]
struct Disk {
    state: Arc<Mutex<DiskState>>,
    /// Holds the writer up until a permit is given; nothing if it never waits.
    gate: Option<Arc<Semaphore>>,
}

#[derive(Default)]
struct DiskState {
    bytes: Vec<u8>,
    /// How many bytes fit, the reserve not counted.
    room: Option<usize>,
    reserve: usize,
}

impl Disk {
    fn with_room(room: usize, reserve: usize) -> Self {
        let disk = Self::default();
        *disk.state.lock() = DiskState {
            bytes: Vec::new(),
            room: Some(room),
            reserve,
        };
        disk
    }

    fn records(&self) -> Vec<Record> {
        let bytes = self.state.lock().bytes.clone();
        let text = String::from_utf8(bytes).unwrap();
        assert!(
            text.is_empty() || text.ends_with('\n'),
            "half a line: {text}"
        );
        text.lines()
            .map(|line| serde_json::from_str::<Entry>(line).unwrap().record)
            .collect()
    }
}

impl Storage for Disk {
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if let Some(gate) = &self.gate {
            while gate
                .try_acquire()
                .map(tokio::sync::SemaphorePermit::forget)
                .is_err()
            {
                std::thread::yield_now();
            }
        }
        let mut state = self.state.lock();
        if state
            .room
            .is_some_and(|room| state.bytes.len() + lines.len() > room)
        {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.bytes.extend_from_slice(lines);
        Ok(())
    }

    fn free_reserve(&mut self) {
        let mut state = self.state.lock();
        let reserve = std::mem::take(&mut state.reserve);
        state.room = state.room.map(|room| room + reserve);
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn start() -> Record {
    let game_day: GameDay = serde_json::from_value(serde_json::json!({
        "apiVersion": "chaos.aplomb.dev/v1alpha1",
        "kind": "GameDay",
        "metadata": { "name": "test" },
        "spec": {
            "title": "a test",
            "hypothesis": "it is kept",
            "system": "test",
            "load": {
                "target": "shop",
                "rate": { "constant": 10.0 },
                "journeys": { "look": { "weight": 1.0, "steps": [
                    { "name": "look", "request": { "path": "/" } },
                ] } },
            },
            "steadyState": [{
                "id": "yield", "metric": "yield", "tolerance": { "during": { "atLeast": 1.0 } },
            }],
            "timeline": { "duration": "10s", "faults": [
                { "id": "one", "at": "2s", "do": { "kill": { "service": "shop" } } },
            ] },
        },
    }))
    .unwrap();
    Record::Start {
        version: JOURNAL_VERSION,
        program: "test".to_owned(),
        game_day: Box::new(game_day),
        services: vec![ServiceLayout {
            name: "shop".to_owned(),
            replicas: 2,
        }],
        seed: 7,
        no_faults: false,
        variant: None,
        started: "2026-01-01T00:00:00Z".to_owned(),
        cores: 2,
        plan: Vec::new(),
    }
}

fn memory(resident: u64) -> Record {
    Record::InstanceMemory {
        instance: InstanceName {
            service: "shop".to_owned(),
            replica: 0,
        },
        resident,
    }
}

#[tokio::test(start_paused = true)]
async fn times_count_from_the_beginning_of_the_load_even_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let writer = JournalWriter::create(&path).unwrap();
    let journal = writer.journal();
    let mut live = journal.subscribe();
    journal.record(start());
    sleep(Duration::from_millis(1_500)).await;
    assert_eq!((journal.zero(), journal.now_micros()), (None, 0));
    journal.record(memory(1));
    sleep(Duration::from_millis(250)).await;
    let zero = journal.start_load();
    sleep(Duration::from_millis(40)).await;
    assert_eq!(journal.start_load(), zero, "the zero never moves");
    assert_eq!(journal.now_micros(), 40_000);
    journal.record(memory(2));
    journal.record_at(zero - Duration::from_millis(10), memory(3));
    let finished = writer.finish().await;
    assert_eq!(
        finished,
        Finished {
            lines: 5,
            lost: 0,
            complete: true
        }
    );

    let entries = read(&path).unwrap();
    let times: Vec<_> = entries.iter().map(|entry| entry.at).collect();
    assert_eq!(times, [-1_750_000, -250_000, 40_000, -10_000, 40_000]);
    assert_eq!(entries[0].record, start());
    assert_eq!(entries[4].record, Record::End { lines: 4 });
    // The live views saw the same records. When the writer came to those from before the load, it
    // may or may not have begun.
    let mut seen = Vec::new();
    while let Ok(entry) = live.try_recv() {
        seen.push((*entry).clone());
    }
    assert_eq!(seen.len(), entries.len());
    for (seen, entry) in seen.iter().zip(&entries) {
        assert_eq!(seen.record, entry.record);
        assert!(
            seen.at == entry.at || (seen.at == -1 && entry.at < 0),
            "{seen:?}"
        );
    }
    assert!(
        !path.with_extension("reserve").exists(),
        "the reserve is gone"
    );
}

#[tokio::test]
async fn a_journal_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let writer = JournalWriter::create(&path).unwrap();
    assert_eq!(
        std::fs::metadata(path.with_extension("reserve"))
            .unwrap()
            .len(),
        RESERVE_BYTES
    );
    let error = JournalWriter::create(&path).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert!(writer.finish().await.complete);
}

#[tokio::test]
async fn a_game_day_without_load_counts_from_its_end() {
    let disk = Disk::default();
    let writer = JournalWriter::on(disk.clone(), 16).unwrap();
    writer.journal().record(start());
    assert!(writer.finish().await.complete);
    assert_eq!(disk.records(), [start(), Record::End { lines: 1 }]);
    let text = String::from_utf8(disk.state.lock().bytes.clone()).unwrap();
    let first: Entry = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert!(first.at <= 0, "{}", first.at);
}

#[tokio::test]
async fn a_full_queue_never_holds_anybody_up_and_is_told() {
    let gate = Arc::new(Semaphore::new(0));
    let disk = Disk {
        gate: Some(Arc::clone(&gate)),
        ..Disk::default()
    };
    let writer = JournalWriter::on(disk.clone(), 4).unwrap();
    let journal = writer.journal();
    journal.start_load();
    // The disk hangs, and the recording goes on.
    for number in 0..100 {
        journal.record(memory(number));
    }
    assert!(journal.is_damaged());
    gate.add_permits(1_000);
    let finished = writer.finish().await;
    let records = disk.records();
    let kept = records
        .iter()
        .filter(|record| matches!(record, Record::InstanceMemory { .. }))
        .count();
    let lost: u64 = records
        .iter()
        .filter_map(|record| match record {
            Record::Lost {
                what: LostWhat::QueueFull,
                count,
            } => Some(*count),
            _ => None,
        })
        .sum();
    assert!(kept >= 4, "{kept}");
    assert_eq!(kept as u64 + lost, 100);
    assert_eq!(finished.lost, lost);
    assert_eq!(
        records.last(),
        Some(&Record::End {
            lines: records.len() as u64 - 1
        })
    );
}

#[tokio::test]
async fn a_full_disk_frees_the_reserve_for_loss_and_end() {
    let disk = Disk::with_room(1_000, 400);
    let writer = JournalWriter::on(disk.clone(), 4_096).unwrap();
    let journal = writer.journal();
    journal.start_load();
    for number in 0..1_000 {
        journal.record(memory(number));
    }
    let finished = writer.finish().await;
    assert!(finished.complete && journal.is_damaged());
    let records = disk.records();
    let lost: u64 = records
        .iter()
        .filter_map(|record| match record {
            Record::Lost {
                what: LostWhat::WriteFailed,
                count,
            } => Some(*count),
            _ => None,
        })
        .sum();
    let kept = records
        .iter()
        .filter(|record| matches!(record, Record::InstanceMemory { .. }))
        .count();
    assert_eq!(kept as u64 + lost, 1_000);
    assert!(lost > 0);
    assert_eq!(finished.lost, lost);
    assert_eq!(
        records.last(),
        Some(&Record::End {
            lines: records.len() as u64 - 1
        })
    );
}

#[tokio::test]
async fn without_any_room_the_journal_has_no_end() {
    let disk = Disk::with_room(10, 10);
    let writer = JournalWriter::on(disk.clone(), 16).unwrap();
    let journal = writer.journal();
    journal.start_load();
    journal.record(memory(1));
    let finished = writer.finish().await;
    assert_eq!(
        finished,
        Finished {
            lines: 0,
            lost: 1,
            complete: false
        }
    );
    assert!(disk.records().is_empty());
}

#[tokio::test]
async fn a_journal_in_memory_hands_its_entries_over() {
    let (journal, mut entries) = Journal::channel(1);
    journal.start_load();
    journal.record(memory(1));
    journal.record(memory(2));
    assert!(journal.is_damaged(), "there was room for one");
    assert_eq!(entries.recv().await.unwrap().record, memory(1));
    assert!(entries.try_recv().is_err());
}

fn write(path: &Path, lines: &[&str]) {
    std::fs::write(path, lines.concat()).unwrap();
}

fn line(at: i64, record: Record) -> String {
    serde_json::to_string(&Entry { at, record }).unwrap() + "\n"
}

#[test]
fn a_journal_that_was_cut_off_is_read_up_to_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let first = line(-5, start());
    let second = line(
        0,
        Record::Phase {
            phase: Phase::Before,
        },
    );
    let third = line(7, memory(1));
    write(&path, &[&first, &second, third.get(..10).unwrap()]);
    let entries = read(&path).unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(
        entries[1].record,
        Record::Phase {
            phase: Phase::Before
        }
    );
}

#[test]
fn what_is_no_journal_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    assert!(matches!(read(&path), Err(ReadError::File { .. })));
    write(&path, &[]);
    assert!(matches!(read(&path), Err(ReadError::NoStart { .. })));
    write(&path, &[&line(0, memory(1))]);
    assert!(matches!(read(&path), Err(ReadError::NoStart { .. })));
    write(&path, &[&line(0, start()), "{}\n"]);
    let message = read(&path).unwrap_err().to_string();
    assert!(
        message.contains("line 2: no entry of a journal"),
        "{message}"
    );
    let newer = line(0, start()).replacen("\"version\":1", "\"version\":99", 1);
    write(&path, &[&newer, "{}\n"]);
    let message = read(&path).unwrap_err().to_string();
    assert!(message.contains("journal version 99"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn micros_have_a_sign() {
    let (journal, _entries) = Journal::channel(1);
    let zero = journal.start_load();
    assert_eq!(journal.micros_at(zero - Duration::from_micros(3)), -3);
    assert_eq!(journal.micros_at(zero + Duration::from_micros(3)), 3);
    assert_eq!(journal.micros_at(Instant::now()), 0);
}
