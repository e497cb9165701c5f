//! Asks a game day to end early.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::exit::Exit;
use crate::journal::{Journal, Record};

/// Asks a game day to end early. Clones end the same one.
#[derive(Debug, Clone)]
pub struct Stop {
    asked: watch::Sender<bool>,
}

impl Stop {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self {
            asked: watch::Sender::new(false),
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
        let mut receiver = self.asked.subscribe();
        // The sender lives in `self`.
        let _ = receiver.wait_for(|asked| *asked).await;
    }

    /// Turns true when somebody has asked.
    pub(super) fn subscribe(&self) -> watch::Receiver<bool> {
        self.asked.subscribe()
    }

    /// Asks at the first SIGINT or SIGTERM. The second one ends the process at once; the guardian
    /// then ends what it had started.
    ///
    /// # Errors
    /// The signals cannot be listened to.
    pub fn on_signals(&self, journal: &Journal) -> std::io::Result<()> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let (stop, journal) = (self.clone(), journal.clone());
        tokio::spawn(async move {
            loop {
                let by = tokio::select! {
                    _ = interrupt.recv() => "SIGINT",
                    _ = terminate.recv() => "SIGTERM",
                };
                if stop.is_asked() {
                    std::process::exit(Exit::Aborted.code().into());
                }
                stop.ask(&journal, by);
            }
        });
        Ok(())
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}
