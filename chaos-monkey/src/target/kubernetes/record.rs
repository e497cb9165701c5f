//! Records of kills: each is written before the kill, and completed after.

use kube::api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use super::connection::{ClusterError, ask};
use crate::schema::{KillOutcome, KillRecord, KillSpec, KillStatus};

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

    /// Says what became of one.
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
        let status = KillStatus {
            outcome: Some(outcome),
            reason,
            whole_after: None,
        };
        self.patch(name, &status).await
    }

    /// Says how long the owner took until it was whole again.
    ///
    /// # Errors
    ///
    /// The cluster refuses or is too slow.
    pub async fn whole_after(&self, name: &str, after: String) -> Result<(), ClusterError> {
        let status = KillStatus {
            whole_after: Some(after),
            ..KillStatus::default()
        };
        self.patch(name, &status).await
    }

    async fn patch(&self, name: &str, status: &KillStatus) -> Result<(), ClusterError> {
        let patch = Patch::Merge(json!({ "status": status }));
        let parameters = PatchParams::default();
        let question = self.api.patch_status(name, &parameters, &patch);
        ask(format!("patch status of kill {name}"), question).await?;
        Ok(())
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
        let mut all = ask("list kills", self.api.list(&ListParams::default()))
            .await?
            .items;
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
