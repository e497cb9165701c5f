//! What is done around every kill by hand, for no agent need run.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

use crate::target::kubernetes::agent::HandTeller;
use crate::target::kubernetes::{Connection, recovery};

/// What takes longer than this is said.
const SILENCE: Duration = Duration::from_secs(2);

/// Looks at what became of earlier kills that nobody follows. Where that fails the guards say so.
pub(super) async fn catch_up(connection: &Connection, namespace: &str) {
    let mut done = pin!(recovery::catch_up(connection, namespace));
    let caught_up = if let Ok(caught_up) = timeout(SILENCE, &mut done).await {
        caught_up
    } else {
        eprintln!("an earlier kill may be under way: it takes a moment to know");
        done.await
    };
    if let Err(error) = caught_up {
        eprintln!("what became of earlier kills is not known: {error}");
    }
}

/// Waits for what is being told, and says what was not.
pub(super) async fn say_undelivered(teller: &HandTeller) {
    for webhook in teller.finish().await {
        eprintln!("the webhook `{webhook}` could not be told");
    }
}
