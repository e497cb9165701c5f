//! What is shown while a game day runs.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::lines;
use super::terminal::Screen;
use crate::verdict::Fold;

/// How a game day shows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Not at all; the verdict alone at the end.
    Quiet,
    /// A plain line a second.
    Lines,
    /// A live display on the terminal.
    Live,
    /// Not at all; the verdict as JSON at the end.
    Json,
}

/// Shows a game day until it is finished; dropped, it gives the terminal back.
pub struct Display {
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl fmt::Debug for Display {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Display")
            .field("is_running", &self.running.is_some())
            .finish()
    }
}

impl Display {
    /// Begins to show what a fold knows. `now` tells the time of the journal, microseconds since
    /// the load began. Lines go to stderr, so that stdout holds the verdict alone.
    ///
    /// # Errors
    /// The terminal cannot be used.
    pub fn start(
        output: Output,
        fold: Arc<Mutex<Fold>>,
        now: impl Fn() -> i64 + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let task = match output {
            Output::Quiet | Output::Json => return Ok(Self { running: None }),
            Output::Lines => tokio::spawn(show_lines(fold, now, stopped)),
            Output::Live => tokio::spawn(show_live(Screen::open()?, fold, now, stopped)),
        };
        Ok(Self {
            running: Some((stop, task)),
        })
    }

    /// Stops and gives the terminal back.
    pub async fn finish(mut self) {
        if let Some((stop, task)) = self.running.take() {
            let _ = stop.send(());
            let _ = task.await;
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Some((_, task)) = self.running.take() {
            task.abort();
        }
    }
}

async fn show_lines(
    fold: Arc<Mutex<Fold>>,
    now: impl Fn() -> i64 + Send,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            _ = ticks.tick() => {
                let live = fold.lock().live(now());
                // A closed pipe is no reason to end a game day.
                let _ = writeln!(io::stderr(), "{}", lines::line(&live));
            }
        }
    }
}

async fn show_live(
    mut screen: Screen,
    fold: Arc<Mutex<Fold>>,
    now: impl Fn() -> i64 + Send,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut ticks = interval(Duration::from_millis(100));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            _ = ticks.tick() => {
                let live = fold.lock().live(now());
                if screen.draw(&live).is_err() {
                    return;
                }
            }
        }
    }
}
