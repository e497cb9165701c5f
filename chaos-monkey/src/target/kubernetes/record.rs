//! Records of kills: each is written before the kill, and completed after.

use kube::api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::connection::{ClusterError, ask};
use crate::schema::{KillOutcome, KillRecord, KillSpec};

/// How many records are in a page of a list.
const PAGE: u32 = 500;

/// The records of a namespace of agents.
#[derive(Clone)]
pub struct Records {
    api: Api<KillRecord>,
}

impl Records {
    /// Those of a namespace.
    pub fn new(client: Client, namespace: &str) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
        }
    }

    /// Writes one. A name that is taken is a conflict.
    ///
    /// # Errors
    ///
    /// The cluster refuses or is too slow.
    pub async fn create(&self, name: &str, spec: KillSpec) -> Result<(), ClusterError> {
        let record = KillRecord {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                ..ObjectMeta::default()
            },
            spec,
            status: None,
        };
        let parameters = PostParams::default();
        ask(
            format!("create kill {name}"),
            self.api.create(&parameters, &record),
        )
        .await?;
        Ok(())
    }

    /// Says what became of one. One that somebody has taken away needs no completion.
    ///
    /// # Errors
    ///
    /// The cluster refuses or is too slow.
    pub async fn complete(
        &self,
        name: &str,
        outcome: KillOutcome,
        reason: Option<String>,
    ) -> Result<(), ClusterError> {
        // A null takes away the reason that was there before.
        let status = json!({"outcome": outcome, "reason": reason});
        self.patch(name, status).await
    }

    /// Says how long the owner took until it was whole again. One that somebody has taken away
    /// needs no completion.
    ///
    /// # Errors
    ///
    /// The cluster refuses or is too slow.
    pub async fn whole_after(&self, name: &str, after: String) -> Result<(), ClusterError> {
        self.patch(name, json!({"wholeAfter": after})).await
    }

    async fn patch(&self, name: &str, status: Value) -> Result<(), ClusterError> {
        let patch = Patch::Merge(json!({ "status": status }));
        let parameters = PatchParams::default();
        let question = self.api.patch_status(name, &parameters, &patch);
        match ask(format!("patch status of kill {name}"), question).await {
            Err(error) if error.code() != 404 => Err(error),
            _ => Ok(()),
        }
    }

    /// One of them.
    ///
    /// # Errors
    ///
    /// There is none, or the cluster refuses or is too slow.
    pub async fn get(&self, name: &str) -> Result<KillRecord, ClusterError> {
        ask(format!("get kill {name}"), self.api.get(name)).await
    }

    /// All of them, the latest last.
    ///
    /// # Errors
    ///
    /// The cluster refuses or is too slow.
    pub async fn all(&self) -> Result<Vec<KillRecord>, ClusterError> {
        let mut all = Vec::new();
        let mut parameters = ListParams::default().limit(PAGE);
        loop {
            let page = ask("list kills", self.api.list(&parameters)).await?;
            all.extend(page.items);
            match page.metadata.continue_.filter(|next| !next.is_empty()) {
                Some(next) => parameters.continue_token = Some(next),
                None => break,
            }
        }
        all.sort_by(|one, other| {
            (one.spec.at, &one.metadata.name).cmp(&(other.spec.at, &other.metadata.name))
        });
        Ok(all)
    }

    /// Takes one away; one that is gone already is none.
    ///
    /// # Errors
    ///
    /// The cluster refuses or is too slow.
    pub async fn delete(&self, name: &str) -> Result<(), ClusterError> {
        let parameters = DeleteParams::default();
        match ask(
            format!("delete kill {name}"),
            self.api.delete(name, &parameters),
        )
        .await
        {
            Ok(_) => Ok(()),
            Err(error) if error.code() == 404 => Ok(()),
            Err(error) => Err(error),
        }
    }
}
