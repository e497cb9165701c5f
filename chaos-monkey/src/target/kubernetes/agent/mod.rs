//! The agent: it kills when something is due, runs the game days of the cluster, follows what it has
//! killed, and tells of all of it.

mod by_hand;
mod events;
mod follow;
mod game_days;
mod metrics;
mod serve;
mod settings;
mod tell;
mod work;

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

pub use self::by_hand::HandTeller;
use self::follow::Follower;
use self::game_days::{Board, Host};
use self::metrics::Metrics;
use self::settings::Reloader;
use self::tell::Teller;
use self::work::Worker;
use super::{ClusterError, Connection, Election, LedgerStore, Watches, lease};
use crate::agent::{Itself, Rules};
use crate::schema::AgentSpec;

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
    pub read: ReadSettings,
    /// The namespace and the name of its own pod, if it runs in one.
    pub pod: Option<(String, String)>,
    /// Where metrics and health are served.
    pub listen: SocketAddr,
    /// The folder for the journals of the game days that it runs.
    pub game_day_folder: PathBuf,
}

/// Reads the settings of an agent, with its name, from where it may have to wait for them.
pub type ReadSettings = Arc<dyn Fn() -> Result<(String, AgentSpec), String> + Send + Sync>;

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
    /// The game days of the cluster, if it runs them.
    board: Option<Arc<Board>>,
}

/// What all parts of an agent share.
struct Shared {
    connection: Connection,
    namespace: String,
    name: String,
    /// The name of this copy.
    identity: String,
    going: RwLock<Going>,
    election: Arc<Election>,
    metrics: Metrics,
    teller: Teller,
    is_ending: AtomicBool,
    /// Whether a game day runs, or is about to, so that nothing else is killed.
    hosts: AtomicBool,
    /// Whether the schedule may be at a kill.
    works: AtomicBool,
    itself: Option<Itself>,
}

impl Shared {
    fn going(&self) -> Going {
        self.going.read().clone()
    }

    /// Whether somebody has ended the agent, so that no kill is begun any more.
    fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::SeqCst)
    }

    /// Whether the schedule may be at a kill. Whoever hosts a game day says so first and asks then,
    /// and the schedule does it the other way round, so that they never miss each other.
    fn works(&self) -> bool {
        self.works.load(Ordering::SeqCst)
    }

    /// Whether a game day runs, or is about to.
    fn hosts(&self) -> bool {
        self.hosts.load(Ordering::SeqCst)
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
    let itself = match &options.pod {
        Some(pod) => Some(settings::itself(&options.connection, pod).await),
        None => None,
    };
    let rules = settings::rules_of(&spec, itself.as_ref()).map_err(AgentError::Settings)?;
    let seed = settings::publish(&store, &name, &spec).await?;
    let mut watching = JoinSet::new();
    let going = settings::go(rules, &spec, seed, &client, &mut watching);
    let metrics = Metrics::new()?;
    let teller = Teller::new(client, &name, &identity);
    teller.serve(&spec.webhooks, &metrics.webhooks);
    let shared = Arc::new(Shared {
        metrics,
        teller,
        going: RwLock::new(going),
        connection: options.connection,
        namespace: options.namespace,
        name,
        identity,
        election: Arc::clone(&election),
        is_ending: AtomicBool::new(false),
        hosts: AtomicBool::new(false),
        works: AtomicBool::new(false),
        itself,
    });
    settings::tell(&shared, &spec, seed);
    let mut tasks = JoinSet::new();
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
    let reloader = Reloader::new(Arc::clone(&shared), options.read, spec, watching);
    tasks.spawn(reloader.run());
    let mut working = JoinSet::new();
    working.spawn(work(Worker::new(
        Arc::clone(&shared),
        Arc::clone(&follower),
    )));
    let host = Host::new(Arc::clone(&shared), follower, options.game_day_folder);
    working.spawn(host_game_days(host));
    end.await;
    shared.is_ending.store(true, Ordering::SeqCst);
    working.join_all().await;
    tracing::info!("the agent ends");
    if let Err(error) = election.resign().await {
        tracing::warn!(%error, "leadership could not be given up: it ends by itself");
    }
    tasks.shutdown().await;
    if timeout(LAST_NEWS, shared.teller.finish()).await.is_err() {
        tracing::warn!("some news could not be told before the end");
    }
    Ok(())
}

/// Looks at what is due until the agent ends.
async fn work(mut worker: Worker) {
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !worker.is_ending() {
        look.tick().await;
        worker.look().await;
    }
}

/// Looks at the game days of the cluster until the agent ends.
async fn host_game_days(mut host: Host) {
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !host.is_ending() {
        look.tick().await;
        host.look().await;
    }
    host.finish().await;
}

#[cfg(test)]
mod tests;
