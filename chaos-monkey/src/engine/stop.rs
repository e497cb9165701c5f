//! Asks a game day to end early.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::journal::{Journal, Record};

/// Asks a game day to end early. Clones end the same one.
#[derive(Debug, Clone)]
pub struct Stop {
    asked: watch::Sender<bool>,
    at_once: watch::Sender<bool>,
}

/// Listens to whoever may end a game day early, until it is dropped.
#[derive(Debug)]
pub struct Listening(AbortHandle);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Stop {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self {
            asked: watch::Sender::new(false),
            at_once: watch::Sender::new(false),
        }
    }

    /// Asks, and puts into the journal who did.
    pub fn ask(&self, journal: &Journal, by: &str) {
        journal.record(Record::Interrupted { by: by.to_owned() });
        self.ask_quietly();
    }

    /// Asks, for a reason that the journal holds already.
    pub(super) fn ask_quietly(&self) {
        self.asked.send_replace(true);
    }

    /// Whether somebody has asked.
    pub fn is_asked(&self) -> bool {
        *self.asked.borrow()
    }

    /// Resolves when somebody has asked.
    pub async fn asked(&self) {
        said(&self.asked).await;
    }

    /// Resolves when somebody has asked by two signals: they will not wait for a verdict.
    pub async fn asked_at_once(&self) {
        said(&self.at_once).await;
    }

    /// Turns true when somebody has asked.
    pub(super) fn subscribe(&self) -> watch::Receiver<bool> {
        self.asked.subscribe()
    }

    /// Asks when `end` says by whom.
    pub(super) fn when(
        &self,
        journal: &Journal,
        end: impl Future<Output = String> + Send + 'static,
    ) -> Listening {
        let (stop, journal) = (self.clone(), journal.clone());
        let listener = tokio::spawn(async move {
            let by = end.await;
            stop.ask(&journal, &by);
        });
        Listening(listener.abort_handle())
    }

    /// Asks at the first SIGINT, SIGTERM or SIGHUP, and asks to end at once at the second.
    ///
    /// # Errors
    /// The signals cannot be listened to.
    pub fn on_signals(&self, journal: &Journal) -> std::io::Result<Listening> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let (stop, journal) = (self.clone(), journal.clone());
        let listener = tokio::spawn(async move {
            let mut is_first = true;
            loop {
                let by = tokio::select! {
                    _ = interrupt.recv() => "SIGINT",
                    _ = terminate.recv() => "SIGTERM",
                    _ = hang_up.recv() => "SIGHUP",
                };
                if is_first {
                    stop.ask(&journal, by);
                } else {
                    stop.at_once.send_replace(true);
                }
                is_first = false;
            }
        });
        Ok(Listening(listener.abort_handle()))
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

async fn said(word: &watch::Sender<bool>) {
    // The sender outlives the wait, so it ends only when the word is said.
    let _ = word.subscribe().wait_for(|said| *said).await;
}
