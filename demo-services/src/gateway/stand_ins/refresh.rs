//! Fetches what is kept, again and again.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use resilience::Client;
use tokio::sync::watch;

use super::{Kept, StandIns};
use crate::gateway::{Bug, GatewaySettings, Peers, ask, dependencies};
use crate::shell::Shell;

/// How soon a fetch is tried again while there is nothing to stand in yet.
const IMPATIENT: Duration = Duration::from_millis(50);

/// How often each thing is fetched. Keys and revocations decide who gets in.
const KEYS_EVERY: Duration = Duration::from_secs(5);
const REVOCATIONS_EVERY: Duration = Duration::from_secs(2);
const POPULAR_EVERY: Duration = Duration::from_secs(30);
const INDEX_EVERY: Duration = Duration::from_secs(60);

impl StandIns {
    /// Starts to fetch; the flag turns true when there is something to stand in for everything.
    pub(in crate::gateway) fn keep_fresh(
        self: &Arc<Self>,
        shell: &Shell,
        settings: &GatewaySettings,
    ) -> anyhow::Result<watch::Receiver<bool>> {
        let (complete, ready) = watch::channel(self.complete());
        let complete = Arc::new(complete);
        let source = |name, peers: &Peers, path, every| {
            let client = dependencies::builder(shell, Bug::None, name, peers).build()?;
            anyhow::Ok(Source {
                client,
                path,
                every,
                stand_ins: Arc::clone(self),
                complete: Arc::clone(&complete),
            })
        };
        let auth = &settings.auth;
        source("auth-keys", auth, "/v1/keys", KEYS_EVERY)?.keep(|all| &all.keys);
        source(
            "auth-revocations",
            auth,
            "/v1/revocations",
            REVOCATIONS_EVERY,
        )?
        .keep(|all| &all.revocations);
        source(
            "metadata-index",
            &settings.metadata,
            "/v1/index",
            INDEX_EVERY,
        )?
        .keep(|all| &all.index);
        source(
            "recommendations-popular",
            &settings.recommendations,
            "/v1/popular",
            POPULAR_EVERY,
        )?
        .keep(|all| &all.popular);
        Ok(ready)
    }
}

/// Where one kept thing comes from.
struct Source {
    client: Client,
    path: &'static str,
    every: Duration,
    stand_ins: Arc<StandIns>,
    complete: Arc<watch::Sender<bool>>,
}

impl Source {
    fn keep<T: Send + Sync + 'static>(self, pick: fn(&StandIns) -> &Kept<T>) {
        tokio::spawn(async move {
            let kept = pick(&self.stand_ins);
            loop {
                match self.fetch(kept).await {
                    Ok(()) => {
                        self.complete.send_replace(self.stand_ins.complete());
                    }
                    Err(error) => tracing::debug!("cannot refresh {}: {error:#}", self.path),
                }
                let there = kept.get().is_some();
                tokio::time::sleep(if there { self.every } else { IMPATIENT }).await;
            }
        });
    }

    async fn fetch<T>(&self, kept: &Kept<T>) -> anyhow::Result<()> {
        let request = ask::get(self.path, 1.0)?;
        let answer = ask::ask(&self.client, request)
            .await
            .map_err(anyhow::Error::from_boxed)?;
        anyhow::ensure!(answer.status == StatusCode::OK, "status {}", answer.status);
        kept.replace(&answer.body).await
    }
}
