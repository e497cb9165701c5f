//! What everybody holds who has something to say.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{broadcast, mpsc};
use tokio::time::Instant;

use super::{Entry, Record};

/// What goes through the queue to the writer.
#[derive(Debug)]
pub(super) enum Message {
    /// A record and when it happened.
    Record(Instant, Box<Record>),
    /// Nothing more is to be written.
    Finish(Instant),
}

/// What the handles and the writer share.
#[derive(Debug)]
pub(super) struct Shared {
    /// When the load began.
    pub(super) zero: OnceLock<Instant>,
    /// How many records found the queue full.
    pub(super) overflowed: AtomicU64,
    /// Whether anything was lost.
    pub(super) damaged: AtomicBool,
    /// To the live views.
    pub(super) live: broadcast::Sender<Arc<Entry>>,
}

impl Shared {
    /// A slow view may be `views` entries behind before it misses some.
    pub(super) fn new(views: usize) -> Self {
        Self {
            zero: OnceLock::new(),
            overflowed: AtomicU64::new(0),
            damaged: AtomicBool::new(false),
            live: broadcast::channel(views).0,
        }
    }
}

fn is_full<T>(sent: &Result<(), mpsc::error::TrySendError<T>>) -> bool {
    matches!(sent, Err(mpsc::error::TrySendError::Full(_)))
}

/// A handle to the journal. Clones write into the same journal; none of them ever waits.
#[derive(Debug, Clone)]
pub struct Journal {
    shared: Arc<Shared>,
    queue: Queue,
}

/// Where records go.
#[derive(Debug, Clone)]
enum Queue {
    /// To the writer of a file.
    Writer(mpsc::Sender<Message>),
    /// To whoever asked for them in memory.
    Memory(mpsc::Sender<Entry>),
}

impl Journal {
    pub(super) fn new(shared: Arc<Shared>, queue: mpsc::Sender<Message>) -> Self {
        Self {
            shared,
            queue: Queue::Writer(queue),
        }
    }

    /// A journal without a file, whose entries arrive at the returned receiver, at most
    /// `capacity` waiting. It has no views and no last line: for parts that run by themselves.
    pub fn channel(capacity: usize) -> (Self, mpsc::Receiver<Entry>) {
        let (entries, receiver) = mpsc::channel(capacity);
        let journal = Self {
            shared: Arc::new(Shared::new(1)),
            queue: Queue::Memory(entries),
        };
        (journal, receiver)
    }

    /// Records what happens now.
    pub fn record(&self, record: Record) {
        self.record_at(Instant::now(), record);
    }

    /// Records what happened at `instant`.
    pub fn record_at(&self, instant: Instant, record: Record) {
        let is_full = match &self.queue {
            Queue::Writer(queue) => {
                is_full(&queue.try_send(Message::Record(instant, Box::new(record))))
            }
            Queue::Memory(queue) => {
                let at = self.micros_at(instant);
                is_full(&queue.try_send(Entry { at, record }))
            }
        };
        if is_full {
            self.shared.overflowed.fetch_add(1, Ordering::Relaxed);
            self.shared.damaged.store(true, Ordering::Relaxed);
        }
    }

    /// Says that the load begins now: the zero of all times in the journal. A second call
    /// changes nothing. Returns the zero.
    pub fn start_load(&self) -> Instant {
        *self.shared.zero.get_or_init(Instant::now)
    }

    /// When the load began, if it did.
    pub fn zero(&self) -> Option<Instant> {
        self.shared.zero.get().copied()
    }

    /// Microseconds since the load began: negative for an instant before it, and 0 as long as
    /// it has not begun.
    pub fn micros_at(&self, instant: Instant) -> i64 {
        self.zero().map_or(0, |zero| micros_since(zero, instant))
    }

    /// Microseconds from the beginning of the load until now; 0 as long as it has not begun.
    pub fn now_micros(&self) -> i64 {
        self.micros_at(Instant::now())
    }

    /// Whether records were lost. The run is inconclusive then.
    pub fn is_damaged(&self) -> bool {
        self.shared.damaged.load(Ordering::Relaxed)
    }

    /// Everything that is recorded from now on, in the order of the file. Before the load
    /// begins nobody knows how long before it an entry happened: such an entry may carry the time
    /// −1 here, and has its true time in the file.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Entry>> {
        self.shared.live.subscribe()
    }

    /// Waits for a place in the queue: only for what must not be lost.
    pub(super) async fn send(&self, message: Message) {
        if let Queue::Writer(queue) = &self.queue {
            // An error means that the writer has ended already: there is nothing left to do.
            let _ = queue.send(message).await;
        }
    }
}

/// The signed distance from `zero` to `instant` in microseconds.
pub(super) fn micros_since(zero: Instant, instant: Instant) -> i64 {
    let whole = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    match instant.checked_duration_since(zero) {
        Some(after) => whole(after),
        None => -whole(zero.duration_since(instant)),
    }
}
