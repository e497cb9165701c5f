//! SIGTERM and SIGINT: finish what is under way, then end.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// A flag that turns true when the process is asked to end.
pub(super) fn on_signal() -> anyhow::Result<watch::Receiver<bool>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("asked to end: draining");
        let _ = sender.send(true);
    });
    Ok(receiver)
}

/// Resolves when the flag turns true.
pub(super) async fn asked_to_end(mut flag: watch::Receiver<bool>) {
    // An error means that the sender is gone, with it every way to be asked: end as well.
    let _ = flag.wait_for(|ending| *ending).await;
}
