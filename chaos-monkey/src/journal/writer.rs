//! The one who writes.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::handle::{Message, Shared, micros_since};
use super::{Entry, FileStorage, Journal, LostWhat, Record, Storage};

/// How many records may wait for the writer.
pub const QUEUE_CAPACITY: usize = 32_768;

/// How many entries a slow live view may be behind before it misses some.
const LIVE_CAPACITY: usize = 16_384;

/// How many records may wait for the load to begin.
const HELD_CAPACITY: usize = 32_768;

/// How many bytes are written at once while records keep coming.
const BATCH_BYTES: usize = 64 * 1024;

/// How the journal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// Lines in the file, the last one included.
    pub lines: u64,
    /// Records that were lost.
    pub lost: u64,
    /// Whether the last line could be written.
    pub complete: bool,
}

/// Owns the thread that writes the file.
#[derive(Debug)]
pub struct JournalWriter {
    journal: Journal,
    finished: oneshot::Receiver<Finished>,
}

impl JournalWriter {
    /// Creates the journal at `path`, which must not exist yet.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::on(FileStorage::create(path)?, QUEUE_CAPACITY)
    }

    /// Writes to `storage` through a queue of `capacity` records.
    pub fn on(storage: impl Storage, capacity: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(LIVE_CAPACITY));
        let (queue, incoming) = mpsc::channel(capacity);
        let (done, finished) = oneshot::channel();
        let writing = Writing {
            storage,
            shared: Arc::clone(&shared),
            held: Vec::new(),
            batch: Batch::default(),
            lines: 0,
            overflow_told: 0,
            refused: 0,
            refused_told: 0,
        };
        // A thread of its own: a slow disk must not hold up the load.
        thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || {
                // Nobody may be waiting any more.
                let _ = done.send(writing.run(incoming));
            })?;
        Ok(Self {
            journal: Journal::new(shared, queue),
            finished,
        })
    }

    /// A handle to write with.
    pub fn journal(&self) -> Journal {
        self.journal.clone()
    }

    /// Writes what is in the queue, the record of loss if there was any, and the last line.
    /// What is recorded later is not written.
    pub async fn finish(self) -> Finished {
        self.journal.send(Message::Finish(Instant::now())).await;
        self.finished.await.unwrap_or(Finished {
            lines: 0,
            lost: 0,
            complete: false,
        })
    }
}

/// Lines that go to the disk together.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    lines: u64,
}

/// The state of the thread.
struct Writing<S> {
    storage: S,
    shared: Arc<Shared>,
    held: Vec<(Instant, Box<Record>)>,
    batch: Batch,
    lines: u64,
    overflow_told: u64,
    refused: u64,
    refused_told: u64,
}

impl<S: Storage> Writing<S> {
    fn run(mut self, mut incoming: mpsc::Receiver<Message>) -> Finished {
        let mut last = None;
        while let Some(message) = incoming.blocking_recv() {
            match message {
                Message::Record(instant, record) => {
                    last = Some(instant);
                    self.take(instant, record);
                }
                Message::Finish(instant) => return self.finish(instant),
            }
            if incoming.is_empty() || self.batch.bytes.len() >= BATCH_BYTES {
                self.flush();
                self.tell_overflow(last);
            }
        }
        // Everybody is gone and nobody has finished the journal: keep what there is, without
        // the last line.
        let zero = self.shared.zero.get().copied().or(last);
        if let Some(zero) = zero {
            self.write_held(zero);
        }
        self.flush();
        Finished {
            lines: self.lines,
            lost: self.refused + self.shared.overflowed.load(Ordering::Relaxed),
            complete: false,
        }
    }

    /// Takes a record out of the queue. As long as the load has not begun its time is unknown,
    /// so it waits.
    fn take(&mut self, instant: Instant, record: Box<Record>) {
        let Some(zero) = self.shared.zero.get().copied() else {
            if self.held.len() >= HELD_CAPACITY {
                self.shared.overflowed.fetch_add(1, Ordering::Relaxed);
                self.shared.damaged.store(true, Ordering::Relaxed);
                return;
            }
            self.show(Entry {
                at: -1,
                record: (*record).clone(),
            });
            self.held.push((instant, record));
            return;
        };
        self.write_held(zero);
        let entry = Entry {
            at: micros_since(zero, instant),
            record: *record,
        };
        self.put(&entry);
        self.show(entry);
    }

    fn write_held(&mut self, zero: Instant) {
        for (instant, record) in std::mem::take(&mut self.held) {
            self.put(&Entry {
                at: micros_since(zero, instant),
                record: *record,
            });
        }
    }

    fn show(&self, entry: Entry) {
        // An error means that nobody watches.
        let _ = self.shared.live.send(Arc::new(entry));
    }

    fn put(&mut self, entry: &Entry) {
        if self.refused > 0 {
            // The disk is full. What is left of the reserve is for the records of loss and end.
            self.refused += 1;
            return;
        }
        let length = self.batch.bytes.len();
        if serde_json::to_writer(&mut self.batch.bytes, entry).is_err() {
            self.batch.bytes.truncate(length);
            self.refuse(1);
            return;
        }
        self.batch.bytes.push(b'\n');
        self.batch.lines += 1;
    }

    fn refuse(&mut self, records: u64) {
        self.refused += records;
        self.shared.damaged.store(true, Ordering::Relaxed);
    }

    /// Brings the batch to the disk. If the disk refuses, the reserve is freed.
    fn flush(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        if batch.lines == 0 {
            return;
        }
        if self.storage.append(&batch.bytes).is_ok() {
            self.lines += batch.lines;
            return;
        }
        self.refuse(batch.lines);
        self.storage.free_reserve();
    }

    fn tell_overflow(&mut self, instant: Option<Instant>) {
        let overflowed = self.shared.overflowed.load(Ordering::Relaxed);
        let (Some(zero), Some(instant)) = (self.shared.zero.get().copied(), instant) else {
            return;
        };
        if overflowed > self.overflow_told {
            let count = overflowed - self.overflow_told;
            if self.put_vital(micros_since(zero, instant), LostWhat::QueueFull, count) {
                self.overflow_told = overflowed;
            }
        }
        if self.refused > 0 && self.refused_told == 0 {
            // Told once at once, and the rest at the end: the reserve is small.
            let count = self.refused;
            if self.put_vital(micros_since(zero, instant), LostWhat::WriteFailed, count) {
                self.refused_told = count;
            }
        }
    }

    fn put_vital(&mut self, at: i64, what: LostWhat, count: u64) -> bool {
        self.append_now(Entry {
            at,
            record: Record::Lost { what, count },
        })
    }

    /// Writes one entry past the batch, into the reserve if need be.
    fn append_now(&mut self, entry: Entry) -> bool {
        let Ok(mut line) = serde_json::to_vec(&entry) else {
            return false;
        };
        line.push(b'\n');
        let written = self.storage.append(&line).is_ok();
        if written {
            self.lines += 1;
            self.show(entry);
        }
        written
    }

    fn finish(mut self, instant: Instant) -> Finished {
        // A game day that never came to its load counts from its end.
        let zero = *self.shared.zero.get_or_init(|| instant);
        self.write_held(zero);
        self.flush();
        let at = micros_since(zero, instant);
        self.tell_overflow(Some(instant));
        if self.refused > self.refused_told {
            let count = self.refused - self.refused_told;
            if self.put_vital(at, LostWhat::WriteFailed, count) {
                self.refused_told = self.refused;
            }
        }
        let end = Entry {
            at,
            record: Record::End { lines: self.lines },
        };
        let complete = self.append_now(end) && self.storage.sync().is_ok();
        Finished {
            lines: self.lines,
            lost: self.refused + self.shared.overflowed.load(Ordering::Relaxed),
            complete,
        }
    }
}
