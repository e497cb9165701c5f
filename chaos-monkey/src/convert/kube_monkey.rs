//! The labels of kube-monkey (<https://github.com/asobti/kube-monkey>).
//!
//! kube-monkey has its rules at each workload, an agent has them in its settings, and a workload
//! only narrows them. So the settings become the widest of all, and each workload says what it had.

use std::collections::BTreeMap;

use clap::Args;
use serde::Deserialize;

use super::hours::hours;
use super::{Converted, Inconvertible, Mistakes};
use crate::agent::workload::{MEAN_TIME, MODE};
use crate::schema::{
    AgentSpec, NamespaceChoice, OwnerKind, OwnerName, PerOwner, Rhythm, Schedule, Span,
    VictimAmount,
};

/// What `kubectl` has to be asked for.
pub const KUBECTL: &str =
    "kubectl get deployments,statefulsets,daemonsets --all-namespaces --output json";

/// What is not a label, by the names and with the defaults of kube-monkey's own file.
#[derive(Debug, Clone, Args)]
pub struct KubeMonkeyConfig {
    /// `time_zone` of its file
    #[arg(long, default_value = "America/Los_Angeles", value_name = "ZONE")]
    pub time_zone: String,

    /// `start_hour` of its file
    #[arg(long, default_value_t = 10, value_name = "HOUR")]
    pub start_hour: usize,

    /// `end_hour` of its file
    #[arg(long, default_value_t = 16, value_name = "HOUR")]
    pub end_hour: usize,

    /// `blacklisted_namespaces` of its file
    #[arg(long, value_delimiter = ',', value_name = "NAMESPACES")]
    pub blacklisted_namespaces: Vec<String>,

    /// `whitelisted_namespaces` of its file
    #[arg(long, value_delimiter = ',', value_name = "NAMESPACES")]
    pub whitelisted_namespaces: Vec<String>,
}

#[derive(Deserialize)]
struct List {
    items: Vec<Workload>,
}

#[derive(Deserialize)]
struct Workload {
    #[serde(default)]
    kind: String,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// What the labels of a workload mean.
struct Victim {
    owner: OwnerName,
    workdays: u32,
    amount: VictimAmount,
}

/// The settings, and the annotations of workloads, that labels of kube-monkey mean. `list` is what
/// [`KUBECTL`] prints.
///
/// # Errors
///
/// A text that is no such list, a list without a label of kube-monkey, and every label that is not
/// understood.
pub fn convert(list: &str, config: &KubeMonkeyConfig) -> Result<Converted, Inconvertible> {
    let list: List = serde_json::from_str(list).map_err(|error| {
        let message = format!("it is no list of workloads ({error}): print it with `{KUBECTL}`");
        Inconvertible(vec![message])
    })?;
    let mut mistakes = Mistakes::default();
    let mut notes = vec![
        "kube-monkey deletes with a few seconds of grace. An eviction leaves a pod the grace that \
         it asks for, and disruption budgets can refuse it; `method: {delete: 5s}` deletes."
            .to_owned(),
        "Percentages are rounded up here; kube-monkey rounds to the nearest pod.".to_owned(),
        "Guards that kube-monkey has not are at their defaults: an hour of cool-down for each \
         owner, one owner at a time that is not whole again, two replicas, one pod that stays ready."
            .to_owned(),
    ];
    let enabled = |it: &Workload| {
        it.metadata
            .labels
            .get("kube-monkey/enabled")
            .is_some_and(|value| value == "enabled")
    };
    let enrolled = list.items.into_iter().filter(enabled);
    let victims: Vec<Victim> = enrolled
        .filter_map(|it| victim(it, &mut mistakes, &mut notes))
        .collect();
    let Some(workdays) = victims.iter().map(|it| it.workdays).min() else {
        if mistakes.0.is_empty() {
            mistakes.0.push(format!(
                "no workload in it has the label `kube-monkey/enabled: enabled`: print it with `{KUBECTL}`"
            ));
        }
        return Err(Inconvertible(mistakes.0));
    };
    let amount = widest(&victims);
    if amount == VictimAmount::All {
        notes.push(
            "`amount: all` is the widest of what the workloads say: one that is offered later and \
             says nothing is killed as a whole, as far as `guards.minimumHealthy` lets it be."
                .to_owned(),
        );
    }
    let commands = victims.iter().map(|it| it.command(workdays, amount));
    let converted = Converted {
        commands: commands.collect(),
        spec: AgentSpec {
            namespaces: namespaces(config),
            amount,
            schedule: Schedule {
                time_zone: config.time_zone.clone(),
                hours: hours((config.start_hour * 60, config.end_hour * 60)),
                rhythm: Rhythm::PerOwner(PerOwner {
                    mean_time: workdays,
                    minimum_time: 0,
                }),
                ..Schedule::default()
            },
            ..AgentSpec::default()
        },
        notes,
    };
    mistakes.or(converted, flag)
}

/// The flag from which a setting comes.
fn flag(key: &str) -> Option<&'static str> {
    const FLAGS: [(&str, &str); 5] = [
        ("spec.namespaces.only", "--whitelisted-namespaces"),
        ("spec.namespaces.except", "--blacklisted-namespaces"),
        ("spec.schedule.timeZone", "--time-zone"),
        ("spec.schedule.hours.from", "--start-hour"),
        ("spec.schedule.hours", "--end-hour"),
    ];
    let mut flags = FLAGS.into_iter();
    flags.find_map(|(start, flag)| key.starts_with(start).then_some(flag))
}

fn namespaces(config: &KubeMonkeyConfig) -> NamespaceChoice {
    // An empty name stands for no list, and `kube-system` needs no word.
    let named = |list: &[String]| -> Vec<String> {
        let list = list.iter().filter(|it| !it.is_empty());
        list.cloned().collect()
    };
    let mut except = named(&config.blacklisted_namespaces);
    except.retain(|name| name != "kube-system");
    NamespaceChoice {
        only: named(&config.whitelisted_namespaces),
        except,
        labels: None,
    }
}

fn victim(it: Workload, mistakes: &mut Mistakes, notes: &mut Vec<String>) -> Option<Victim> {
    let Metadata {
        name,
        namespace,
        labels,
    } = it.metadata;
    let Some(kind) = OwnerKind::named(&it.kind) else {
        notes.push(format!(
            "{namespace}/{}/{name}: pods of this kind are never killed here.",
            it.kind
        ));
        return None;
    };
    let owner = OwnerName {
        namespace,
        kind,
        name,
    };
    let (workdays, is_rarer) = mean_time(&owner, &labels, mistakes)?;
    if is_rarer {
        notes.push(format!(
            "{owner}: more than one kill a day is not drawn here; it is once a workday."
        ));
    }
    let amount = amount(&owner, &labels, mistakes)?;
    Some(Victim {
        owner,
        workdays,
        amount,
    })
}

/// Workdays, and whether they are more than what the label says: days as a number or with `d`, or
/// a duration.
fn mean_time(
    owner: &OwnerName,
    labels: &BTreeMap<String, String>,
    mistakes: &mut Mistakes,
) -> Option<(u32, bool)> {
    let text = labels.get("kube-monkey/mtbf").map_or("", String::as_str);
    let days = text.strip_suffix('d').unwrap_or(text).parse::<u64>().ok();
    let span = days
        .and_then(|days| days.checked_mul(86_400))
        .map(Span::from_secs)
        .or_else(|| text.parse().ok());
    let workdays = span.map_or(0, |span| span.get().as_secs().div_ceil(86_400));
    if !(1..=10_000).contains(&workdays) {
        let place = format!("{owner}: kube-monkey/mtbf");
        mistakes.add(
            &place,
            text,
            "expected days such as `3`, or a duration such as `36h`",
        );
        return None;
    }
    Some((workdays as u32, span < Some(Span::from_secs(86_400))))
}

fn amount(
    owner: &OwnerName,
    labels: &BTreeMap<String, String>,
    mistakes: &mut Mistakes,
) -> Option<VictimAmount> {
    let mode = labels.get("kube-monkey/kill-mode").map(String::as_str);
    let value = labels
        .get("kube-monkey/kill-value")
        .map_or("", String::as_str);
    let mut number = |most: u32| {
        let number = value.parse().ok().filter(|it| (1..=most).contains(it));
        if number.is_none() {
            let place = format!("{owner}: kube-monkey/kill-value");
            mistakes.add(&place, value, format!("expected a number from 1 to {most}"));
        }
        number
    };
    match mode {
        None => Some(VictimAmount::One),
        Some("kill-all") => Some(VictimAmount::All),
        Some("fixed") => number(1_000).map(VictimAmount::Fixed),
        Some("fixed-percent") => number(100).map(VictimAmount::Percent),
        Some("random-max-percent") => number(100).map(VictimAmount::UpToPercent),
        Some(other) => {
            let place = format!("{owner}: kube-monkey/kill-mode");
            let message = "expected `kill-all`, `fixed`, `fixed-percent` or `random-max-percent`";
            mistakes.add(&place, other, message);
            None
        }
    }
}

/// The largest of amounts that can be compared; all where they cannot.
fn widest(victims: &[Victim]) -> VictimAmount {
    let amounts = victims.iter().map(|it| match it.amount {
        VictimAmount::One => VictimAmount::Fixed(1),
        other => other,
    });
    let widest = amounts.reduce(|left, right| match (left, right) {
        (VictimAmount::Fixed(left), VictimAmount::Fixed(right)) => {
            VictimAmount::Fixed(left.max(right))
        }
        (VictimAmount::Percent(left), VictimAmount::Percent(right)) => {
            VictimAmount::Percent(left.max(right))
        }
        (VictimAmount::UpToPercent(left), VictimAmount::UpToPercent(right)) => {
            VictimAmount::UpToPercent(left.max(right))
        }
        _ => VictimAmount::All,
    });
    match widest {
        None | Some(VictimAmount::Fixed(1)) => VictimAmount::One,
        Some(widest) => widest,
    }
}

impl Victim {
    /// Offers it, and lets it say what the settings do not.
    fn command(&self, workdays: u32, amount: VictimAmount) -> String {
        let OwnerName {
            namespace,
            kind,
            name,
        } = &self.owner;
        let kind = kind.as_str().to_lowercase();
        let enabled = crate::agent::ENABLED;
        let mean_time = if self.workdays == workdays {
            String::new()
        } else {
            format!(" {MEAN_TIME}={}", self.workdays)
        };
        let mode = match self.amount {
            same if same == amount => String::new(),
            VictimAmount::One => format!(" {MODE}=one"),
            VictimAmount::All => format!(" {MODE}=all"),
            VictimAmount::Fixed(number) => format!(" {MODE}={number}"),
            VictimAmount::Percent(number) => format!(" {MODE}={number}%"),
            VictimAmount::UpToPercent(number) => format!(" '{MODE}=up to {number}%'"),
        };
        format!(
            "kubectl annotate --namespace {namespace} {kind} {name} {enabled}=true{mean_time}{mode}"
        )
    }
}

#[cfg(test)]
mod tests;
