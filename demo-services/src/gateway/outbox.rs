//! Positions that playback could not take, kept until any gateway can deliver them.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method};
use resilience::Client;

use super::ask::{ask, write};
use super::routes::PositionWrite;
use crate::shell::{JsonError, JsonResult};
use crate::store::{OutboxEntry, OutboxStore};

/// How often it is looked for something to deliver.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How many entries one look delivers.
const BATCH: u32 = 64;

/// How long one gateway has to deliver what it took, before another may.
const LEASE: Duration = Duration::from_secs(5);

/// The outbox that all gateways share.
#[derive(Clone)]
pub(crate) struct Outbox {
    store: Arc<dyn OutboxStore>,
}

impl Outbox {
    pub(super) fn new(store: Arc<dyn OutboxStore>) -> Self {
        Self { store }
    }

    /// Keeps a position. It is on disk when this returns.
    pub(super) async fn keep(&self, key: &str, position: &PositionWrite) -> JsonResult<()> {
        let entry = OutboxEntry {
            key: key.to_owned(),
            user: position.user,
            title: position.title,
            sequence: position.sequence,
            seconds: position.seconds,
        };
        Ok(self.store.enqueue(&entry).await?)
    }

    /// The newest position of a title that still waits here.
    pub(super) async fn waiting(&self, user: u32, title: u32) -> JsonResult<Option<OutboxEntry>> {
        let pending = self
            .store
            .pending(user)
            .await
            .map_err(JsonError::internal)?;
        Ok(pending
            .into_iter()
            .filter(|entry| entry.title == title)
            .max_by_key(|entry| entry.sequence))
    }

    /// Delivers what waits, for as long as the process lives.
    pub(super) fn keep_delivering(&self, playback: Client) {
        let outbox = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                if let Err(error) = outbox.deliver(&playback).await {
                    tracing::debug!("nothing delivered: {error:#}");
                }
            }
        });
    }

    async fn deliver(&self, playback: &Client) -> anyhow::Result<()> {
        for claimed in self.store.claim(BATCH, LEASE).await? {
            let entry = &claimed.entry;
            let position = PositionWrite {
                user: entry.user,
                title: entry.title,
                sequence: entry.sequence,
                seconds: entry.seconds,
            };
            let key = HeaderValue::from_str(&entry.key)?;
            let request = write(Method::PUT, "/v1/positions", &position, Some(&key))?;
            let answer = ask(playback, request)
                .await
                .map_err(anyhow::Error::from_boxed)?;
            // What playback refuses for good is not worth another try.
            let settled = answer.status.is_success() || answer.status.is_client_error();
            anyhow::ensure!(settled, "playback answered {}", answer.status);
            if !answer.status.is_success() {
                tracing::warn!(
                    entry = claimed.id,
                    "playback refused entry {} of the outbox: {}",
                    claimed.id,
                    answer.status
                );
            }
            self.store.done(claimed.id).await?;
        }
        Ok(())
    }
}
