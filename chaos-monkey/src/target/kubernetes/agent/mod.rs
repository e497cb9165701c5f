//! The agent: it kills when something is due, follows what it has killed, and tells of both.

mod events;
mod follow;
mod metrics;
mod serve;
mod tell;
mod work;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use self::follow::Follower;
use self::metrics::Metrics;
use self::tell::Teller;
use self::work::Worker;
use super::{ClusterError, Connection, Election, LedgerStore, Watches, lease};
use crate::agent::Rules;
use crate::schema::{AgentSpec, PublishedSettings};

/// How often the settings are looked at.
const RELOAD_EVERY: Duration = Duration::from_secs(5);

/// How often something may be due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long news may still be told at the end.
const LAST_NEWS: Duration = Duration::from_secs(5);

/// What an agent is made of.
pub struct AgentOptions {
    /// The cluster.
    pub connection: Connection,
    /// The namespace in which it keeps its records.
    pub namespace: String,
    /// The name of this copy.
    pub identity: String,
    /// Reads its settings: its name, and what is to be applied.
    pub read: Box<dyn Fn() -> Result<(String, AgentSpec), String> + Send + Sync>,
    /// Where metrics and health are served.
    pub listen: SocketAddr,
}

/// An agent that cannot run.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Its settings have mistakes.
    #[error("{0}")]
    Settings(String),
    /// It cannot serve its metrics.
    #[error("{address}: cannot listen: {error}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// It cannot count.
    #[error("the metrics cannot be made: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The cluster did not answer at the beginning.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

/// What an agent goes by at the moment.
#[derive(Clone)]
struct Going {
    rules: Arc<Rules>,
    is_dry_run: bool,
    seed: u64,
    watches: Arc<Watches>,
}

/// What all parts of an agent share.
struct Shared {
    connection: Connection,
    namespace: String,
    name: String,
    going: RwLock<Going>,
    election: Arc<Election>,
    metrics: Metrics,
    teller: Teller,
}

impl Shared {
    fn going(&self) -> Going {
        self.going.read().clone()
    }

    fn ledger(&self) -> LedgerStore {
        LedgerStore::new(self.connection.client.clone(), &self.namespace)
    }
}

/// Runs an agent until it is told to end. A kill that is under way is finished.
///
/// # Errors
///
/// Bad settings, an address that is taken, or no answer from the cluster, all of it at the
/// beginning; later such things are told in the log and nothing is killed.
pub async fn run(options: AgentOptions, end: impl Future<Output = ()>) -> Result<(), AgentError> {
    let (name, spec) = (options.read)().map_err(AgentError::Settings)?;
    let listener = TcpListener::bind(options.listen).await;
    let listener = listener.map_err(|error| AgentError::Listen {
        address: options.listen,
        error,
    })?;
    let client = options.connection.client.clone();
    let lease = lease::name(&name);
    let identity = options.identity.clone();
    let election = Election::new(client.clone(), &options.namespace, lease, identity.clone());
    let store = LedgerStore::new(client.clone(), &options.namespace);
    let rules = rules_of(&spec).map_err(AgentError::Settings)?;
    let seed = publish(&store, &name, &spec).await?;
    let mut tasks = JoinSet::new();
    let mut watching = JoinSet::new();
    let going = go(rules, &spec, seed, &client, &mut watching);
    let metrics = Metrics::new()?;
    let teller = Teller::new(client.clone(), &name, &identity);
    teller.serve(&spec.webhooks, &metrics);
    let shared = Arc::new(Shared {
        metrics,
        teller,
        going: RwLock::new(going),
        connection: options.connection,
        namespace: options.namespace,
        name,
        election: Arc::clone(&election),
    });
    tell_settings(&shared, &spec, seed);
    tasks.spawn({
        let election = Arc::clone(&election);
        async move { election.run().await }
    });
    tasks.spawn(serve::serve(listener, Arc::clone(&shared)));
    let follower = Follower::new(Arc::clone(&shared));
    tasks.spawn({
        let follower = Arc::clone(&follower);
        async move { follower.run().await }
    });
    let mut worker = Worker::new(Arc::clone(&shared), follower);
    let mut known = spec;
    let (mut reload, mut look) = (interval(RELOAD_EVERY), interval(LOOK_EVERY));
    reload.set_missed_tick_behavior(MissedTickBehavior::Delay);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut end = std::pin::pin!(end);
    loop {
        tokio::select! {
            biased;
            () = &mut end => break,
            _ = look.tick() => worker.look().await,
            _ = reload.tick() => {
                if let Some((spec, rules)) = changed(&options.read, &shared, &known) {
                    match publish(&store, &shared.name, &spec).await {
                        Ok(seed) => {
                            watching.shutdown().await;
                            *shared.going.write() = go(rules, &spec, seed, &client, &mut watching);
                            shared.teller.serve(&spec.webhooks, &shared.metrics);
                            tell_settings(&shared, &spec, seed);
                            known = spec;
                        }
                        Err(error) => tracing::error!(%error, "the new settings are not applied"),
                    }
                }
            }
        }
    }
    tracing::info!("the agent ends");
    if let Err(error) = election.resign().await {
        tracing::warn!(%error, "leadership could not be given up: it ends by itself");
    }
    tasks.shutdown().await;
    if timeout(LAST_NEWS, shared.teller.finish()).await.is_err() {
        tracing::warn!("some news could not be told before the end");
    }
    watching.shutdown().await;
    Ok(())
}

/// New settings, if they have changed and can be applied. Bad ones are told of, and the old ones
/// stay.
fn changed(
    read: &(dyn Fn() -> Result<(String, AgentSpec), String> + Send + Sync),
    shared: &Shared,
    known: &AgentSpec,
) -> Option<(AgentSpec, Rules)> {
    let refused = |error: &str| {
        shared.metrics.settings_are_bad.set(1);
        tracing::error!(error, "the new settings are refused, and the old ones stay");
    };
    let (name, spec) = read().map_err(|error| refused(&error)).ok()?;
    if name != shared.name {
        refused(&format!(
            "an agent cannot change its name from `{}` to `{name}`",
            shared.name
        ));
        return None;
    }
    if spec == *known {
        shared.metrics.settings_are_bad.set(0);
        return None;
    }
    let rules = rules_of(&spec).map_err(|error| refused(&error)).ok()?;
    shared.metrics.settings_are_bad.set(0);
    Some((spec, rules))
}

fn rules_of(spec: &AgentSpec) -> Result<Rules, String> {
    Rules::of(spec).map_err(|refused| {
        let refused = refused
            .iter()
            .map(|it| format!("{}: {}", it.key, it.message));
        refused.collect::<Vec<_>>().join("; ")
    })
}

/// Begins to watch by some settings.
fn go(
    rules: Rules,
    spec: &AgentSpec,
    seed: u64,
    client: &kube::Client,
    watching: &mut JoinSet<()>,
) -> Going {
    let rules = Arc::new(rules);
    let watches = Watches::new(Arc::clone(&rules));
    watching.spawn({
        let (watches, client) = (Arc::clone(&watches), client.clone());
        async move { watches.run(client).await }
    });
    Going {
        rules,
        seed,
        is_dry_run: spec.dry_run,
        watches,
    }
}

/// Writes into the ledger what this agent goes by, and gives the seed: that of the settings, else
/// the one that it has had before, else a new one.
async fn publish(store: &LedgerStore, name: &str, spec: &AgentSpec) -> Result<u64, ClusterError> {
    // A number that JSON carries exactly, whoever reads it.
    let new_seed = rand::random::<u32>() as u64;
    let ledger = store
        .change(|ledger| {
            let before = ledger.agents.get(name).map(|agent| agent.seed);
            let published = PublishedSettings {
                seed: spec.seed.or(before).unwrap_or(new_seed),
                settings: spec.clone(),
            };
            ledger.agents.insert(name.to_owned(), published);
        })
        .await?;
    let published = ledger.spec().agents.get(name);
    Ok(published.map_or(new_seed, |it| it.seed))
}

fn tell_settings(shared: &Shared, spec: &AgentSpec, seed: u64) {
    let settings = serde_json::to_string(spec).unwrap_or_default();
    let (agent, context) = (&shared.name, &shared.connection.context);
    tracing::info!(
        agent,
        context,
        seed,
        dry_run = spec.dry_run,
        settings,
        "the settings"
    );
    if spec.opt_in == crate::schema::OptIn::None {
        tracing::warn!("spec.optIn is `none`: every pod that nobody has withheld may be killed");
    }
}
