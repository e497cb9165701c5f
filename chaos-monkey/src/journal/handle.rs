//! What everyone writes records with.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Entry, Record};

/// Writes records into the journal without ever waiting. Clones write into the same one.
#[derive(Debug, Clone)]
pub struct Journal {
    entries: mpsc::Sender<Entry>,
    zero: Arc<Mutex<Instant>>,
}

impl Journal {
    /// A journal whose entries arrive at the returned receiver, at most `capacity` waiting.
    pub fn channel(capacity: usize) -> (Self, mpsc::Receiver<Entry>) {
        let (entries, receiver) = mpsc::channel(capacity);
        (Self { entries, zero: Arc::new(Mutex::new(Instant::now())) }, receiver)
    }

    /// Makes this moment the time zero of the journal: the load begins.
    pub fn start_load(&self) {
        *self.zero.lock() = Instant::now();
    }

    /// Microseconds since the load began, negative before it.
    pub fn micros_at(&self, instant: Instant) -> i64 {
        let zero = *self.zero.lock();
        match instant.checked_duration_since(zero) {
            Some(since) => since.as_micros() as i64,
            None => -(zero.duration_since(instant).as_micros() as i64),
        }
    }

    /// Writes what happens now.
    pub fn record(&self, record: Record) {
        self.record_at(Instant::now(), record);
    }

    /// Writes what happened at an instant.
    pub fn record_at(&self, instant: Instant, record: Record) {
        let entry = Entry { at: self.micros_at(instant), record };
        // A full queue is counted by whoever owns the file.
        let _ = self.entries.try_send(entry);
    }
}
