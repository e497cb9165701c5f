//! Leader election by a Lease: of all copies of an agent one kills.
//!
//! Nobody compares clocks. A copy leads until so long after it *asked* for the renewal that was
//! granted; another one takes over when it has *seen* the Lease unchanged for as long. Both use a
//! clock that a change of the time of day cannot move.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

use super::attempt::Leads;
use super::connection::{ClusterError, ask};

/// How long a Lease is good for.
const DURATION: Duration = Duration::from_secs(15);

/// How often the leader renews, and the others look.
const EVERY: Duration = Duration::from_secs(3);

/// The name of the Lease of an agent.
pub(super) fn name(agent: &str) -> String {
    format!("chaos-monkey-{agent}")
}

/// The copy of an agent that leads, for people: unlike the copies it goes by the time of the day,
/// since nobody wants to wait until it is renewed.
///
/// # Errors
///
/// The cluster refuses or is too slow.
pub(super) async fn leader(
    client: &Client,
    namespace: &str,
    agent: &str,
) -> Result<Option<String>, ClusterError> {
    let api: Api<Lease> = Api::namespaced(client.clone(), namespace);
    let name = name(agent);
    let lease = ask(format!("get lease {name}"), api.get_opt(&name)).await?;
    let spec = lease.and_then(|it| it.spec).unwrap_or_default();
    let renewed = spec.renew_time.map(|it| it.0).unwrap_or_default();
    let duration = spec.lease_duration_seconds.unwrap_or_default();
    let is_good = Timestamp::now().duration_since(renewed).as_secs() < i64::from(duration);
    let holder = spec.holder_identity.filter(|holder| !holder.is_empty());
    Ok(holder.filter(|_| is_good))
}

/// One copy of an agent in the election.
pub struct Election {
    api: Api<Lease>,
    name: String,
    identity: String,
    /// Who writes: a step that is under way ends before leadership is given up.
    turn: tokio::sync::Mutex<Turn>,
    state: Mutex<State>,
}

#[derive(PartialEq, Eq)]
enum Turn {
    TakesPart,
    HasResigned,
}

#[derive(Default)]
struct State {
    leads_until: Option<Instant>,
    /// The version of the Lease that somebody else holds, and since when it has not changed.
    seen: Option<(String, Instant)>,
    /// The Lease as this copy has written it last.
    own: Option<Lease>,
}

impl Election {
    /// A candidate. `identity` must be that of no other copy.
    pub fn new(client: Client, namespace: &str, name: String, identity: String) -> Arc<Self> {
        Arc::new(Self {
            api: Api::namespaced(client, namespace),
            name,
            identity,
            turn: tokio::sync::Mutex::new(Turn::TakesPart),
            state: Mutex::new(State::default()),
        })
    }

    /// Until when this copy leads, if it does.
    fn leads_until(&self) -> Option<Instant> {
        self.state
            .lock()
            .leads_until
            .filter(|until| *until > Instant::now())
    }

    /// For how long this copy leads.
    pub fn leads(&self) -> Leads {
        self.leads_until().map_or(Leads::Not, Leads::Until)
    }

    /// Whether this copy leads.
    pub fn is_leader(&self) -> bool {
        self.leads_until().is_some()
    }

    /// Takes part until it is cancelled.
    pub async fn run(&self) {
        loop {
            let was_leader = self.is_leader();
            match self.step().await {
                Ok(()) => {}
                Err(error) => tracing::warn!(%error, "the lease could not be renewed or read"),
            }
            match (was_leader, self.is_leader()) {
                (false, true) => tracing::info!(identity = self.identity, "this copy leads"),
                (true, false) => tracing::warn!("this copy does not lead any more"),
                _ => {}
            }
            sleep(EVERY).await;
        }
    }

    /// Renews, takes over, or looks who leads; nothing of it after it has resigned.
    ///
    /// # Errors
    ///
    /// The cluster refuses or is too slow. Leadership that was granted before goes on until it
    /// ends by itself.
    pub async fn step(&self) -> Result<(), ClusterError> {
        let turn = self.turn.lock().await;
        if *turn == Turn::HasResigned {
            return Ok(());
        }
        let own = self.state.lock().own.clone();
        if let Some(own) = own {
            match self.write(own).await {
                Err(error) if error.is_conflict() || error.code() == 404 => {
                    let mut state = self.state.lock();
                    state.own = None;
                    state.leads_until = None;
                }
                result => return result,
            }
        }
        let what = format!("get lease {}", self.name);
        match ask(what, self.api.get_opt(&self.name)).await? {
            None => self.create().await,
            Some(lease) if self.is_free(&lease) => self.write(lease).await,
            Some(_) => Ok(()),
        }
    }

    /// Gives leadership up for good, so that another copy need not wait for its end.
    ///
    /// # Errors
    ///
    /// The cluster refuses or is too slow.
    pub async fn resign(&self) -> Result<(), ClusterError> {
        let mut turn = self.turn.lock().await;
        *turn = Turn::HasResigned;
        let own = {
            let mut state = self.state.lock();
            state.leads_until = None;
            state.own.take()
        };
        let Some(mut lease) = own else { return Ok(()) };
        if let Some(spec) = &mut lease.spec {
            spec.holder_identity = Some(String::new());
        }
        let parameters = PostParams::default();
        let question = self.api.replace(&self.name, &parameters, &lease);
        ask(format!("release lease {}", self.name), question).await?;
        Ok(())
    }

    /// Whether nobody else holds a Lease, or has not renewed it for as long as it is good for.
    fn is_free(&self, lease: &Lease) -> bool {
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.unwrap_or_default();
        if holder.is_empty() || holder == self.identity {
            return true;
        }
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        let duration = spec.lease_duration_seconds.unwrap_or_default().max(0) as u64;
        let mut state = self.state.lock();
        match &state.seen {
            Some((seen, since)) if *seen == version => {
                since.elapsed() >= Duration::from_secs(duration).max(DURATION)
            }
            _ => {
                state.seen = Some((version, Instant::now()));
                false
            }
        }
    }

    async fn create(&self) -> Result<(), ClusterError> {
        let lease = Lease {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                ..ObjectMeta::default()
            },
            spec: Some(self.spec(None)),
        };
        let asked = Instant::now();
        let parameters = PostParams::default();
        let what = format!("create lease {}", self.name);
        match ask(what, self.api.create(&parameters, &lease)).await {
            Ok(lease) => {
                self.granted(lease, asked);
                Ok(())
            }
            // Another copy was faster.
            Err(error) if error.is_conflict() => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn write(&self, mut lease: Lease) -> Result<(), ClusterError> {
        lease.spec = Some(self.spec(lease.spec.as_ref()));
        let asked = Instant::now();
        let parameters = PostParams::default();
        let question = self.api.replace(&self.name, &parameters, &lease);
        let lease = ask(format!("replace lease {}", self.name), question).await?;
        self.granted(lease, asked);
        Ok(())
    }

    fn granted(&self, lease: Lease, asked: Instant) {
        let mut state = self.state.lock();
        state.leads_until = Some(asked + DURATION);
        state.seen = None;
        state.own = Some(lease);
    }

    fn spec(&self, before: Option<&LeaseSpec>) -> LeaseSpec {
        let now = Some(MicroTime(Timestamp::now()));
        let mut spec = before.cloned().unwrap_or_default();
        if spec.holder_identity.as_deref() != Some(&self.identity) {
            spec.holder_identity = Some(self.identity.clone());
            spec.acquire_time.clone_from(&now);
            spec.lease_transitions = Some(spec.lease_transitions.unwrap_or(-1) + 1);
        }
        spec.lease_duration_seconds = Some(DURATION.as_secs() as i32);
        spec.renew_time = now;
        spec
    }
}

#[cfg(test)]
mod tests;
