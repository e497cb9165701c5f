//! The settings that an agent goes by: read again when they change, published for the commands
//! around it.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;

use super::{Board, Going, ReadSettings, Shared};
use crate::agent::{Itself, Rules};
use crate::schema::{AgentSpec, GameDayChoice, OptIn, PublishedSettings};
use crate::target::kubernetes::{ClusterError, Connection, LedgerStore, Watches, find, outage};

/// How often the settings are looked at.
const EVERY: Duration = Duration::from_secs(5);

/// Reads settings again and again, and applies those that are new.
pub(super) struct Reloader {
    shared: Arc<Shared>,
    read: ReadSettings,
    known: AgentSpec,
    watching: JoinSet<()>,
}

impl Reloader {
    /// Begins with settings that are applied already.
    pub(super) fn new(
        shared: Arc<Shared>,
        read: ReadSettings,
        known: AgentSpec,
        watching: JoinSet<()>,
    ) -> Self {
        Self {
            shared,
            read,
            known,
            watching,
        }
    }

    /// Looks until it is cancelled.
    pub(super) async fn run(mut self) {
        loop {
            sleep(EVERY).await;
            self.look().await;
        }
    }

    /// Looks once. Bad settings are told of, and so are those that cannot be published; the old
    /// ones stay.
    pub(super) async fn look(&mut self) {
        let read = Arc::clone(&self.read);
        let read = spawn_blocking(move || read()).await;
        let read = read.unwrap_or_else(|error| Err(format!("they cannot be read: {error}")));
        let shared = &self.shared;
        let changed = match read.and_then(|read| self.changed(read)) {
            Ok(changed) => changed,
            Err(error) => {
                shared.metrics.settings_are_bad.set(1);
                tracing::error!(error, "the new settings are refused, and the old ones stay");
                return;
            }
        };
        shared.metrics.settings_are_bad.set(0);
        let Some((spec, rules)) = changed else { return };
        let seed = match publish(&shared.ledger(), &shared.name, &spec).await {
            Ok(seed) => seed,
            Err(error) => {
                shared.metrics.settings_are_bad.set(1);
                tracing::error!(%error, "the new settings are not applied, and the old ones stay");
                return;
            }
        };
        self.watching.shutdown().await;
        let client = &shared.connection.client;
        *shared.going.write() = go(rules, &spec, seed, client, &mut self.watching);
        shared
            .teller
            .serve(&spec.webhooks, &shared.metrics.webhooks);
        tell(shared, &spec, seed);
        self.known = spec;
    }

    /// What was read, if it is new.
    fn changed(
        &self,
        (name, spec): (String, AgentSpec),
    ) -> Result<Option<(AgentSpec, Rules)>, String> {
        let own = &self.shared.name;
        if name != *own {
            return Err(format!(
                "an agent cannot change its name from `{own}` to `{name}`"
            ));
        }
        if spec == self.known {
            return Ok(None);
        }
        let rules = rules_of(&spec, self.shared.itself.as_ref())?;
        Ok(Some((spec, rules)))
    }
}

/// Settings as they are applied.
///
/// # Errors
///
/// What is wrong with them.
pub(super) fn rules_of(spec: &AgentSpec, itself: Option<&Itself>) -> Result<Rules, String> {
    let rules = Rules::of(spec).map(|rules| rules.but_not(itself.cloned()));
    rules.map_err(|refused| {
        let refused = refused
            .iter()
            .map(|it| format!("{}: {}", it.key, it.message));
        refused.collect::<Vec<_>>().join("; ")
    })
}

/// The agent as a pod of its cluster. Where it cannot be read it is at least known by its name.
pub(super) async fn itself(connection: &Connection, pod: &(String, String)) -> Itself {
    let (namespace, pod) = pod;
    let owner = match find::pod(connection, &format!("{namespace}/{pod}")).await {
        Ok(found) => found.owner().ok().cloned(),
        Err(error) => {
            tracing::warn!(%error, "which controller the agent has is not known");
            None
        }
    };
    Itself {
        namespace: namespace.clone(),
        pod: pod.clone(),
        owner,
    }
}

/// Begins to watch by some settings.
pub(super) fn go(
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
    let board = (spec.game_days != GameDayChoice::None).then(|| Board::new(&rules));
    if let Some(board) = &board {
        let (board, client) = (Arc::clone(board), client.clone());
        watching.spawn(async move { board.run(client).await });
    }
    Going {
        board,
        rules,
        seed,
        is_dry_run: spec.dry_run,
        watches,
    }
}

/// Writes into the ledger what this agent goes by, and gives the seed: that of the settings, else
/// the one that it has had before, else a new one.
///
/// # Errors
///
/// The cluster refuses or is too slow.
pub(super) async fn publish(
    store: &LedgerStore,
    name: &str,
    spec: &AgentSpec,
) -> Result<u64, ClusterError> {
    // A number that JSON carries exactly, whoever reads it.
    let new_seed = rand::random::<u32>() as u64;
    let published = PublishedSettings::of(new_seed, spec);
    let published = published.map_err(|error| ClusterError::Refused {
        what: "publish the settings".to_owned(),
        why: error.to_string(),
        code: 0,
    })?;
    let ledger = store
        .change(|ledger| {
            let before = ledger.agents.get(name).map(|agent| agent.seed);
            let published = PublishedSettings {
                seed: spec.seed.or(before).unwrap_or(new_seed),
                ..published.clone()
            };
            ledger.agents.insert(name.to_owned(), published);
        })
        .await?;
    let published = ledger.spec().agents.get(name);
    Ok(published.map_or(new_seed, |it| it.seed))
}

/// Tells of settings that are applied from now on.
pub(super) fn tell(shared: &Shared, spec: &AgentSpec, seed: u64) {
    let settings = for_the_log(spec);
    let (agent, context) = (&shared.name, &shared.connection.context);
    tracing::info!(
        agent,
        context,
        seed,
        dry_run = spec.dry_run,
        settings,
        "the settings"
    );
    if !spec.dry_run {
        tracing::warn!(context, "pods are really killed");
    }
    if spec.opt_in == OptIn::None {
        tracing::warn!("spec.optIn is `none`: every pod that nobody has withheld may be killed");
    }
}

/// Settings without what may be secret in them.
fn for_the_log(spec: &AgentSpec) -> String {
    let mut spec = spec.clone();
    spec.guards.outage = spec.guards.outage.as_ref().map(outage::without_secrets);
    serde_json::to_string(&spec).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{OutageProbe, PrometheusProbe};

    #[test]
    fn the_log_names_the_probe_and_no_secret_of_it() {
        let url = "http://me:password@probe:9090/up?token=s3cret".to_owned();
        let prometheus = PrometheusProbe {
            url: url.clone(),
            query: "ALERTS".to_owned(),
        };
        for probe in [OutageProbe::Http(url), OutageProbe::Prometheus(prometheus)] {
            let mut spec = AgentSpec::default();
            spec.guards.outage = Some(probe);
            let text = for_the_log(&spec);
            assert!(text.contains("http://probe:9090/up\""), "{text}");
            assert!(
                !text.contains("password") && !text.contains("s3cret"),
                "{text}"
            );
        }
    }
}
