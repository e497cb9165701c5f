//! The ledger of kills as it stands in the cluster: replaced as a whole, and only in the version
//! that was read.

use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};

use super::connection::{ClusterError, ask};
use crate::schema::{KillLedger, KillLedgerSpec};

/// The name of the ledger. There is one for each namespace of agents, so that two agents share
/// their budgets.
pub(super) const NAME: &str = "chaos-ledger";

/// How often a change that collides with another one is made anew.
const ATTEMPTS: u32 = 10;

/// The ledger of a namespace.
#[derive(Clone)]
pub struct LedgerStore {
    api: Api<KillLedger>,
    what: String,
}

/// A ledger in the version in which it was read.
#[derive(Debug, Clone)]
pub struct ReadLedger {
    object: KillLedger,
}

impl ReadLedger {
    /// What it holds.
    pub const fn spec(&self) -> &KillLedgerSpec {
        &self.object.spec
    }

    /// What it holds, to be changed.
    pub const fn spec_mut(&mut self) -> &mut KillLedgerSpec {
        &mut self.object.spec
    }
}

impl LedgerStore {
    /// The ledger of a namespace.
    pub fn new(client: Client, namespace: &str) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            what: format!("killledger {namespace}/{NAME}"),
        }
    }

    /// Reads it, if there is one.
    ///
    /// # Errors
    ///
    /// The cluster refuses or is too slow.
    pub async fn get(&self) -> Result<Option<ReadLedger>, ClusterError> {
        let found = ask(format!("get {}", self.what), self.api.get_opt(NAME)).await?;
        Ok(found.map(|object| ReadLedger { object }))
    }

    /// Reads it, or begins one.
    ///
    /// # Errors
    ///
    /// The cluster refuses or is too slow.
    pub async fn read(&self) -> Result<ReadLedger, ClusterError> {
        if let Some(ledger) = self.get().await? {
            return Ok(ledger);
        }
        let empty = KillLedger {
            metadata: ObjectMeta {
                name: Some(NAME.to_owned()),
                ..ObjectMeta::default()
            },
            spec: KillLedgerSpec::default(),
        };
        let parameters = PostParams::default();
        let what = format!("create {}", self.what);
        match ask(what.clone(), self.api.create(&parameters, &empty)).await {
            Ok(object) => Ok(ReadLedger { object }),
            // Another agent has begun it just now.
            Err(error) if error.is_conflict() => {
                let object = ask(what, self.api.get(NAME)).await?;
                Ok(ReadLedger { object })
            }
            Err(error) => Err(error),
        }
    }

    /// Replaces it, if nobody else has since it was read.
    ///
    /// # Errors
    ///
    /// Somebody else has (a conflict), or the cluster refuses or is too slow.
    pub async fn replace(&self, ledger: ReadLedger) -> Result<ReadLedger, ClusterError> {
        let parameters = PostParams::default();
        let question = self.api.replace(NAME, &parameters, &ledger.object);
        let object = ask(format!("replace {}", self.what), question).await?;
        Ok(ReadLedger { object })
    }

    /// Changes it, after others if they are at it, too. A change that changes nothing is not
    /// written.
    ///
    /// # Errors
    ///
    /// The cluster refuses or is too slow.
    pub async fn change(
        &self,
        change: impl Fn(&mut KillLedgerSpec),
    ) -> Result<ReadLedger, ClusterError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let before = self.read().await?;
            let mut after = before.clone();
            change(after.spec_mut());
            if after.spec() == before.spec() {
                return Ok(before);
            }
            match self.replace(after).await {
                Err(error) if error.is_conflict() && attempts < ATTEMPTS => {}
                result => return result,
            }
        }
    }
}
