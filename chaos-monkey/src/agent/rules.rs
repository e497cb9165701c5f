//! The settings of an agent in the form in which they are applied.

use std::collections::BTreeSet;

use regex_lite::Regex;

use super::calendar::Calendar;
use super::selector::{NoSelector, Selector};
use crate::file::KeyPath;
use crate::schema::{
    AgentGuards, AgentSpec, GameDayChoice, KillMethod, KillRecovery, OptIn, OutageProbe, OwnerKind,
    OwnerName, Rhythm, VictimAmount, Webhook,
};

/// The filters and guards that an outage which is meant would never pass.
const WAIVED_BY_OUTAGE: [&str; 5] = [
    "state",
    "age",
    "minimum-healthy",
    "rollout",
    "minimum-replicas",
];

/// What the settings say, read and checked.
#[derive(Debug, Clone)]
pub struct Rules {
    pub(super) opt_in: OptIn,
    pub(super) namespaces: Namespaces,
    pub(super) pods: Pods,
    pub(super) owner_kinds: BTreeSet<OwnerKind>,
    pub(super) amount: VictimAmount,
    pub(super) calendar: Calendar,
    pub(super) rhythm: Rhythm,
    pub(super) is_enabled: bool,
    pub(super) method: KillMethod,
    pub(super) guards: AgentGuards,
    pub(super) recovery: KillRecovery,
    pub(super) webhooks: Vec<Webhook>,
    pub(super) game_days: GameDayChoice,
    pub(super) itself: Option<Itself>,
    pub(super) is_outage_meant: bool,
}

/// The pod in which an agent runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Itself {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub pod: String,
    /// Its controller, of which the other copies are, too.
    pub owner: Option<OwnerName>,
}

/// Which namespaces.
#[derive(Debug, Clone)]
pub(super) struct Namespaces {
    pub(super) only: BTreeSet<String>,
    pub(super) except: BTreeSet<String>,
    pub(super) labels: Option<Selector>,
}

/// Which pods.
#[derive(Debug, Clone)]
pub(super) struct Pods {
    pub(super) labels: Option<Selector>,
    pub(super) annotations: Option<Selector>,
    pub(super) names: Option<Regex>,
    pub(super) except_names: Option<Regex>,
    /// Seconds.
    pub(super) minimum_age: u64,
}

/// A value of the settings that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Where it stands.
    pub key: KeyPath,
    /// What it is.
    pub value: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Rules {
    /// Reads settings.
    ///
    /// # Errors
    ///
    /// Every value that cannot be.
    pub fn of(spec: &AgentSpec) -> Result<Self, Vec<Refused>> {
        let calendar = Calendar::of(&spec.schedule);
        let mut namespaces = Complaints::new("namespaces");
        let chosen = Namespaces {
            only: spec.namespaces.only.iter().cloned().collect(),
            except: spec.namespaces.except.iter().cloned().collect(),
            labels: namespaces.selector("labels", spec.namespaces.labels.as_deref()),
        };
        for (index, name) in spec.namespaces.except.iter().enumerate() {
            if chosen.only.contains(name) {
                let message = "it is one of spec.namespaces.only, too: take it out of one of them";
                namespaces.add(&format!("except[{index}]"), name, message);
            }
        }
        let namespaces = namespaces.or(chosen);
        let mut pods = Complaints::new("pods");
        let chosen = Pods {
            labels: pods.selector("labels", spec.pods.labels.as_deref()),
            annotations: pods.read(
                "annotations",
                spec.pods.annotations.as_deref(),
                Selector::of_annotations,
            ),
            names: pods.pattern("names", spec.pods.names.as_deref()),
            except_names: pods.pattern("exceptNames", spec.pods.except_names.as_deref()),
            minimum_age: spec.pods.minimum_age.get().as_secs(),
        };
        let numbers = numbers(spec);
        match (calendar, namespaces, pods.or(chosen), numbers) {
            (Ok(calendar), Ok(namespaces), Ok(pods), Ok(())) => Ok(Self {
                opt_in: spec.opt_in,
                namespaces,
                pods,
                owner_kinds: spec.owners.kinds.iter().copied().collect(),
                amount: spec.amount,
                calendar,
                rhythm: spec.schedule.rhythm,
                is_enabled: spec.enabled,
                method: spec.method,
                guards: spec.guards.clone(),
                recovery: spec.recovery,
                webhooks: spec.webhooks.clone(),
                game_days: spec.game_days,
                itself: None,
                is_outage_meant: false,
            }),
            (calendar, namespaces, pods, numbers) => {
                let refused = [calendar.err(), namespaces.err(), pods.err(), numbers.err()];
                Err(refused.into_iter().flatten().flatten().collect())
            }
        }
    }

    /// Rules by which nobody kills itself.
    #[must_use]
    pub fn but_not(self, itself: Option<Itself>) -> Self {
        Self { itself, ..self }
    }

    /// The same rules for a service that somebody means to be down: all its pods are killed, and
    /// each new one before it is ready. What would forbid just that is waived, and nothing else.
    #[must_use]
    pub fn for_an_outage(&self) -> Self {
        Self {
            is_outage_meant: true,
            ..self.clone()
        }
    }

    /// Whether a filter or a guard is not asked.
    pub(super) fn waives(&self, name: &str) -> bool {
        self.is_outage_meant && WAIVED_BY_OUTAGE.contains(&name)
    }

    /// How many workdays lie between two kills of one owner, at least.
    pub const fn minimum_time(&self) -> u32 {
        match self.rhythm {
            Rhythm::PerOwner(rhythm) => rhythm.minimum_time,
            Rhythm::Every(_) | Rhythm::PerPod(_) => 0,
        }
    }

    /// The namespaces that are chosen by name; none where all are.
    pub fn named_namespaces(&self) -> impl Iterator<Item = &String> {
        self.namespaces.only.iter()
    }

    /// How a pod is killed.
    pub const fn method(&self) -> KillMethod {
        self.method
    }

    /// How long an owner may take until it is whole again.
    pub const fn recovery(&self) -> KillRecovery {
        self.recovery
    }

    /// Whether game days are run that stand in the cluster.
    pub const fn game_days(&self) -> GameDayChoice {
        self.game_days
    }

    /// Who is told over HTTP.
    pub fn webhooks(&self) -> &[Webhook] {
        &self.webhooks
    }

    /// What can forbid a kill.
    pub const fn guards(&self) -> &AgentGuards {
        &self.guards
    }

    /// When something may be killed.
    pub const fn calendar(&self) -> &Calendar {
        &self.calendar
    }
}

/// Durations and addresses, of which a schema can say too little.
fn numbers(spec: &AgentSpec) -> Result<(), Vec<Refused>> {
    let mut complaints = Complaints::new("");
    match spec.schedule.rhythm {
        Rhythm::Every(every) => {
            let key = "schedule.rhythm.every.interval";
            let interval = every.interval.get();
            if interval.as_secs() == 0 || interval.as_secs() > 86_400 {
                let message = "expected from a second to a day";
                complaints.add(key, &every.interval.to_string(), message);
            } else if interval.subsec_nanos() > 0 {
                complaints.add(key, &every.interval.to_string(), "expected whole seconds");
            }
            if every.jitter.get() > interval {
                let message = "expected at most the interval, so that none overtakes another";
                let key = "schedule.rhythm.every.jitter";
                complaints.add(key, &every.jitter.to_string(), message);
            }
        }
        Rhythm::PerPod(per_pod) if per_pod.mean_time.get().as_secs() < 60 => {
            let key = "schedule.rhythm.perPod.meanTime";
            complaints.add(
                key,
                &per_pod.mean_time.to_string(),
                "expected at least a minute",
            );
        }
        Rhythm::PerPod(_) | Rhythm::PerOwner(_) => {}
    }
    // An occasion is one for budgets and open kills, and at regular times everybody is drawn from.
    if matches!(spec.schedule.rhythm, Rhythm::Every(_)) && spec.amount != VictimAmount::One {
        let message = "expected `one` with the rhythm `every`, which kills at most one pod of an \
                       owner each time: raise spec.schedule.rhythm.every.owners, or choose another \
                       rhythm";
        let amount = serde_json::to_string(&spec.amount).unwrap_or_default();
        complaints.add("amount", &amount, message);
    }
    if let KillMethod::Delete(grace) = spec.method
        && (grace.get().as_secs() == 0 || grace.get().subsec_nanos() > 0)
    {
        let message = "expected whole seconds, at least one; without any grace it is `deleteNow`";
        complaints.add("method.delete", &grace.to_string(), message);
    }
    if let Some(seed) = spec.seed
        && i64::try_from(seed).is_err()
    {
        let message = "expected at most 9223372036854775807, which is what a cluster can keep";
        complaints.add("seed", &seed.to_string(), message);
    }
    if spec.recovery.limit.get().as_secs() == 0 {
        let message = "expected at least a second";
        complaints.add("recovery.limit", &spec.recovery.limit.to_string(), message);
    }
    let outage = match &spec.guards.outage {
        Some(OutageProbe::Http(url)) => Some(("guards.outage.http", url)),
        Some(OutageProbe::Prometheus(probe)) => Some(("guards.outage.prometheus.url", &probe.url)),
        None => None,
    };
    if let Some((key, url)) = outage
        && !is_http(url)
    {
        let message = "expected an address such as `http://prometheus:9090`";
        complaints.add(key, url, message);
    }
    for (index, webhook) in spec.webhooks.iter().enumerate() {
        let others = &spec.webhooks[..index];
        if others.iter().any(|it| it.name == webhook.name) {
            let key = format!("webhooks[{index}]");
            complaints.add(&key, &webhook.name, "another webhook has this name already");
        }
    }
    complaints.or(())
}

fn is_http(url: &str) -> bool {
    let parsed = url.parse::<http::Uri>();
    parsed
        .is_ok_and(|url| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some())
}

/// What is wrong with one section of the settings.
pub(super) struct Complaints {
    section: &'static str,
    refused: Vec<Refused>,
}

impl Complaints {
    pub(super) const fn new(section: &'static str) -> Self {
        Self {
            section,
            refused: Vec::new(),
        }
    }

    /// Complains of the value of a key in the section.
    pub(super) fn add(&mut self, key: &str, value: &str, message: &str) {
        let (key, index) = match key.strip_suffix(']').and_then(|key| key.split_once('[')) {
            Some((key, index)) => (key, index.parse().ok()),
            None => (key, None),
        };
        let section = if self.section.is_empty() { "" } else { "." };
        let key = KeyPath::dotted(&format!("spec{section}{}.{key}", self.section));
        self.refused.push(Refused {
            key: index.map_or_else(|| key.clone(), |index| key.index(index)),
            value: value.to_owned(),
            message: message.to_owned(),
        });
    }

    fn selector(&mut self, key: &str, text: Option<&str>) -> Option<Selector> {
        self.read(key, text, str::parse)
    }

    fn read(
        &mut self,
        key: &str,
        text: Option<&str>,
        read: impl Fn(&str) -> Result<Selector, NoSelector>,
    ) -> Option<Selector> {
        let text = text?;
        match read(text) {
            Ok(selector) => Some(selector),
            Err(error) => {
                self.add(key, text, &error.to_string());
                None
            }
        }
    }

    fn pattern(&mut self, key: &str, text: Option<&str>) -> Option<Regex> {
        let text = text?;
        match Regex::new(text) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let message = format!("it is no regular expression: {error}");
                self.add(key, text, &message);
                None
            }
        }
    }

    /// What was read, unless something is wrong with it.
    pub(super) fn or<Read>(self, read: Read) -> Result<Read, Vec<Refused>> {
        if self.refused.is_empty() {
            return Ok(read);
        }
        Err(self.refused)
    }
}
