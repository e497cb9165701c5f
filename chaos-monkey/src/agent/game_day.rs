//! A `GameDay` resource as an agent looks at it: whose it is, and whether it may be run at all.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Rules;
use super::cluster::Texts;
use super::filter::namespace;
use crate::schema::patterns::{LABEL, fits};
use crate::schema::{GameDay, GameDayPhase, GameDayStatus, Rate, Reach, ServicePort, Span, System};

/// How many journeys a game day may have in all. An agent holds what is known of each of their
/// requests, and has little memory; the command has more.
const MOST_JOURNEYS: f64 = 50_000.0;

/// How long the load of a game day may last, in seconds: others wait for their turn.
const LONGEST: u64 = 3_600;

/// How long everything may take besides the load and the last recovery: opening sessions, reading
/// promises back, waiting for owners.
const MARGIN: Duration = Duration::from_secs(900);

/// What a copy of an agent does about a game day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Nothing: it is over.
    Over,
    /// Nothing: somebody else runs it, or this copy does.
    NotMine,
    /// It says that it is inconclusive: a copy that leads no more, or another agent, has left it in
    /// the middle.
    Left {
        /// That copy.
        copy: String,
    },
    /// It may begin.
    Mine,
}

/// What the copy of an agent that leads does about a game day. What should be over for long is left,
/// whoever ran it: that agent may have another name now, or be gone for good.
pub fn turn(
    status: &GameDayStatus,
    agent: &str,
    copy: &str,
    runs: bool,
    is_long_over: bool,
) -> Turn {
    let holder = status.copy.clone().unwrap_or_default();
    match status.phase {
        Some(phase) if phase.is_over() => Turn::Over,
        None | Some(GameDayPhase::Pending) => Turn::Mine,
        Some(_) if status.agent.as_deref() != Some(agent) && !is_long_over => Turn::NotMine,
        Some(_) if runs && holder == copy => Turn::NotMine,
        Some(_) => Turn::Left { copy: holder },
    }
}

/// Whether a game day that runs, by its status, should be over for long, by its own spec.
pub fn is_long_over(status: &GameDayStatus, spec: &Value, now: Timestamp) -> bool {
    let span = |text: &Value| text.as_str().and_then(|text| text.parse::<Span>().ok());
    let load = span(&spec["timeline"]["duration"]).unwrap_or(Span::from_secs(LONGEST));
    let recovery = span(&spec["recovery"]["within"]).unwrap_or_default();
    let whole = load.get().saturating_add(recovery.get());
    let whole = SignedDuration::try_from(whole.saturating_add(MARGIN));
    let whole = whole.unwrap_or(SignedDuration::MAX);
    let since = status.began.map(|began| now.duration_since(began));
    since.is_some_and(|since| since > whole)
}

/// Whether an agent acts in a namespace with these labels.
///
/// # Errors
///
/// Why it does not.
pub fn acts_in(rules: &Rules, name: &str, labels: &Texts) -> Result<(), String> {
    namespace::is_chosen(rules, name, labels)
}

/// Something that an agent does for nobody, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    key: String,
    message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.key, self.message)
    }
}

/// Everything in a game day of a namespace that an agent does for nobody: whoever may write into
/// one namespace may not reach beyond it, nor into the agent's own pod.
pub fn refusals(namespace: &str, game_day: &GameDay, system: &System) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let mut refuse = |key: String, message: String| refusals.push(Refusal { key, message });
    of_system(namespace, system, &mut refuse);
    of_game_day(game_day, &mut refuse);
    refusals
}

fn of_system(namespace: &str, system: &System, refuse: &mut impl FnMut(String, String)) {
    let starts_nothing = "an agent starts no program: take it out, or run this with \
                          `chaos-monkey game-day run`";
    let name = &system.metadata.name;
    let at = |key: &str| format!("System {name}: spec.{key}");
    if system.spec.prepare.is_some() {
        refuse(at("prepare"), starts_nothing.to_owned());
    }
    if !system.spec.secrets.is_empty() {
        let message = "an agent draws no secrets, since it starts nothing that needs them: take \
                       them out";
        refuse(at("secrets"), message.to_owned());
    }
    for (name, service) in &system.spec.services {
        let at = |key: &str| at(&format!("services.{name}.{key}"));
        if service.process.is_some() {
            refuse(at("process"), starts_nothing.to_owned());
        }
        let Some(binding) = &service.kubernetes else {
            continue;
        };
        if binding.namespace != namespace {
            let message = format!(
                "these are pods of `{}`, and a game day of `{namespace}` may only break those of \
                 its own namespace",
                binding.namespace
            );
            refuse(at("kubernetes.namespace"), message);
        }
        if let Some(Reach::Url(url)) = &binding.reach
            && own_service(url, namespace).is_none()
        {
            let message = format!(
                "`{url}` is no Service of the namespace `{namespace}`: write \
                 `http://NAME.{namespace}.svc:PORT`, or `reach: {{service: …}}`"
            );
            refuse(at("kubernetes.reach.url"), message);
        }
    }
}

fn of_game_day(game_day: &GameDay, refuse: &mut impl FnMut(String, String)) {
    let spec = &game_day.spec;
    let name = &game_day.metadata.name;
    let at = |key: &str| format!("GameDay {name}: spec.{key}");
    let no_files = "an agent reads no files for anybody: take it out, or run this with \
                    `chaos-monkey game-day run`";
    if spec.load.users.is_some() {
        refuse(at("load.users.file"), no_files.to_owned());
    }
    for dataset in spec.load.datasets.keys() {
        refuse(
            at(&format!("load.datasets.{dataset}.file")),
            no_files.to_owned(),
        );
    }
    if spec.guards.halt_file.is_some() {
        let message = "an agent reads no files for anybody: a ConfigMap `chaos-halt` halts it";
        refuse(at("guards.haltFile"), message.to_owned());
    }
    let duration = spec.timeline.duration;
    if duration.get().as_secs() > LONGEST {
        let message = format!("`{duration}` is longer than the hour that an agent takes for one");
        refuse(at("timeline.duration"), message);
    }
    let journeys = fastest(&spec.load.rate) * duration.get().as_secs_f64();
    if journeys > MOST_JOURNEYS {
        let message = format!(
            "up to {journeys:.0} journeys are more than the {MOST_JOURNEYS:.0} that an agent \
             takes: run this with `chaos-monkey game-day run`"
        );
        refuse(at("load.rate"), message);
    }
}

/// The highest rate of a load, in journeys a second.
fn fastest(rate: &Rate) -> f64 {
    match rate {
        Rate::Constant(rate) => *rate,
        Rate::Ramp { from, to, .. } => from.max(*to),
        Rate::Steps(steps) => steps.iter().map(|step| step.per_second).fold(0.0, f64::max),
    }
}

/// The same system with each URL in place of which a Service of its namespace is meant. So nobody
/// is reached but by what the cluster says of that Service, whatever its name resolves to.
pub fn reached_by_services(namespace: &str, system: &System) -> System {
    let mut system = system.clone();
    for service in system.spec.services.values_mut() {
        let Some(binding) = &mut service.kubernetes else {
            continue;
        };
        if let Some(Reach::Url(url)) = &binding.reach
            && let Some(port) = own_service(url, namespace)
        {
            binding.reach = Some(Reach::Service(port));
        }
    }
    system
}

/// The Service of a namespace that a URL names in full: `http://web.shop.svc:80`. A shorter name
/// may be one of the world outside, or of the agent's own namespace.
fn own_service(url: &str, namespace: &str) -> Option<ServicePort> {
    let url: http::Uri = url.parse().ok()?;
    if url.scheme_str() != Some("http") || url.path() != "/" || url.query().is_some() {
        return None;
    }
    let authority = url.authority()?;
    if authority.as_str().contains('@') {
        return None;
    }
    let host = authority.host().trim_end_matches(".cluster.local");
    let (name, rest) = host.split_once('.')?;
    let is_own = rest == format!("{namespace}.svc") && fits(LABEL, name);
    is_own.then(|| ServicePort {
        name: name.to_owned(),
        port: authority.port_u16().unwrap_or(80),
    })
}

#[cfg(test)]
mod tests;
