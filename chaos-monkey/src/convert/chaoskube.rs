//! The flags of chaoskube (<https://github.com/linki/chaoskube>).

use clap::Args;

use super::hours::{hours, remaining};
use super::{Converted, Inconvertible, Mistakes};
use crate::schema::{
    AgentSpec, Every, Hours, KillMethod, NamespaceChoice, OptIn, OwnerKind, PodChoice, Rhythm,
    Schedule, Span, Topic, Webhook, WebhookForm, Weekday,
};

/// Where the chart mounts the URLs of webhooks.
const URL_FILE: &str = "/etc/chaos-monkey/webhooks/slack";

/// The flags of chaoskube, as it is given them.
#[derive(Debug, Clone, Default, Args)]
pub struct ChaoskubeFlags {
    /// How much time lies between two kills
    #[arg(long, default_value = "10m", value_name = "DURATION")]
    pub interval: String,

    /// From how many owners a pod is killed each time
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    pub max_kill: u32,

    /// A selector for labels of pods
    #[arg(long, value_name = "SELECTOR")]
    pub labels: Option<String>,

    /// A selector for annotations of pods
    #[arg(long, value_name = "SELECTOR")]
    pub annotations: Option<String>,

    /// Kinds of owners, `!` before those to leave out
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        value_name = "KINDS"
    )]
    pub kinds: String,

    /// Names of namespaces, `!` before those to leave out
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        value_name = "NAMESPACES"
    )]
    pub namespaces: String,

    /// A selector for labels of namespaces
    #[arg(long, value_name = "SELECTOR")]
    pub namespace_labels: Option<String>,

    /// A regular expression for names of pods
    #[arg(long, value_name = "REGEX")]
    pub included_pod_names: Option<String>,

    /// A regular expression for names of pods to leave out
    #[arg(long, value_name = "REGEX")]
    pub excluded_pod_names: Option<String>,

    /// Days of the week to leave out, such as `Sat,Sun`
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        value_name = "WEEKDAYS"
    )]
    pub excluded_weekdays: String,

    /// Times of the day to leave out, such as `22:00-08:00,11:00-13:00`
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        value_name = "TIMES"
    )]
    pub excluded_times_of_day: String,

    /// Days of the year to leave out, such as `Apr1,Dec24`
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        value_name = "DAYS"
    )]
    pub excluded_days_of_year: String,

    /// The time zone of all these
    #[arg(long, default_value = "UTC", value_name = "ZONE")]
    pub timezone: String,

    /// How old a pod is at least
    #[arg(long, default_value = "0s", value_name = "DURATION")]
    pub minimum_age: String,

    /// The grace period of a deletion; negative for that of the pod
    #[arg(
        long,
        default_value = "-1s",
        allow_hyphen_values = true,
        value_name = "DURATION"
    )]
    pub grace_period: String,

    /// Nothing is killed; so it is without this flag, too
    #[arg(long)]
    pub dry_run: bool,

    /// Pods are killed
    #[arg(long, overrides_with = "dry_run")]
    pub no_dry_run: bool,

    /// Only said to have no counterpart: how long chaoskube runs
    #[arg(
        long,
        default_value = "-1s",
        allow_hyphen_values = true,
        value_name = "DURATION"
    )]
    pub max_runtime: String,

    /// Only said to be the guard `minimumReplicas`, which is on anyway
    #[arg(long)]
    pub ignore_single_replicas: bool,

    /// The URL of a Slack webhook; it is not shown
    #[arg(long, value_name = "URL", hide_env_values = true)]
    pub slack_webhook: Option<String>,

    /// Only said to be `--listen` of the agent
    #[arg(long, value_name = "ADDRESS")]
    pub metrics_address: Option<String>,

    /// Only said to be `--log-format` of the agent
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,

    /// Only said to have no counterpart
    #[arg(long)]
    pub log_caller: bool,

    /// Only said to be `--log-level debug` of the agent
    #[arg(long)]
    pub debug: bool,

    /// Only said to be a context
    #[arg(long, value_name = "URL")]
    pub master: Option<String>,

    /// Only said to be the variable `KUBECONFIG`
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<String>,

    /// The only namespace that it may look at
    #[arg(long, value_name = "NAMESPACE")]
    pub client_namespace_scope: Option<String>,
}

/// The settings that flags of chaoskube mean.
///
/// # Errors
///
/// Every value that is not understood, a misspelt weekday among them.
pub fn convert(flags: &ChaoskubeFlags) -> Result<Converted, Inconvertible> {
    let mut mistakes = Mistakes::default();
    let mut notes = vec![
        "chaoskube kills whatever was not left out, and so does `optIn: none`. Without that line \
         only what somebody has offered is killed."
            .to_owned(),
        "Guards that chaoskube has not are at their defaults: an hour of cool-down for each owner, \
         one owner at a time that is not whole again, two replicas, one pod that stays ready."
            .to_owned(),
        "Never killed here, but by chaoskube: bare pods, pods of Jobs and of controllers that are \
         not known, and pods of this agent."
            .to_owned(),
    ];
    let spec = AgentSpec {
        dry_run: !flags.no_dry_run,
        opt_in: OptIn::None,
        namespaces: namespaces(flags, &mut mistakes, &mut notes),
        pods: PodChoice {
            labels: flags.labels.clone(),
            annotations: flags.annotations.clone(),
            names: flags.included_pod_names.clone(),
            except_names: flags.excluded_pod_names.clone(),
            minimum_age: duration("--minimum-age", &flags.minimum_age, &mut mistakes),
        },
        owners: crate::schema::OwnerChoice {
            kinds: kinds(&flags.kinds, &mut mistakes, &mut notes),
        },
        method: method(&flags.grace_period, &mut mistakes, &mut notes),
        schedule: Schedule {
            time_zone: time_zone(&flags.timezone, &mut mistakes),
            weekdays: weekdays(&flags.excluded_weekdays, &mut mistakes),
            hours: times(&flags.excluded_times_of_day, &mut mistakes, &mut notes),
            leave_out: days(&flags.excluded_days_of_year, &mut mistakes),
            rhythm: Rhythm::Every(Every {
                interval: duration("--interval", &flags.interval, &mut mistakes),
                jitter: Span::default(),
                owners: flags.max_kill,
            }),
        },
        webhooks: webhooks(flags, &mut notes),
        ..AgentSpec::default()
    };
    notes.extend(elsewhere(flags));
    let converted = Converted {
        spec,
        notes,
        commands: Vec::new(),
    };
    mistakes.or(converted, flag)
}

/// The flag from which a setting comes.
fn flag(key: &str) -> Option<&'static str> {
    const FLAGS: [(&str, &str); 13] = [
        ("spec.namespaces.labels", "--namespace-labels"),
        ("spec.namespaces", "--namespaces"),
        ("spec.pods.labels", "--labels"),
        ("spec.pods.annotations", "--annotations"),
        ("spec.pods.names", "--included-pod-names"),
        ("spec.pods.exceptNames", "--excluded-pod-names"),
        ("spec.method", "--grace-period"),
        ("spec.schedule.timeZone", "--timezone"),
        ("spec.schedule.weekdays", "--excluded-weekdays"),
        ("spec.schedule.hours", "--excluded-times-of-day"),
        ("spec.schedule.leaveOut", "--excluded-days-of-year"),
        ("spec.schedule.rhythm.every.interval", "--interval"),
        ("spec.schedule.rhythm.every.owners", "--max-kill"),
    ];
    let mut flags = FLAGS.into_iter();
    flags.find_map(|(start, flag)| key.starts_with(start).then_some(flag))
}

/// The parts of a list with commas.
fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|it| !it.is_empty())
}

fn namespaces(
    flags: &ChaoskubeFlags,
    mistakes: &mut Mistakes,
    notes: &mut Vec<String>,
) -> NamespaceChoice {
    let mut choice = NamespaceChoice {
        labels: flags.namespace_labels.clone(),
        ..NamespaceChoice::default()
    };
    for part in parts(&flags.namespaces) {
        let (list, name) = match part.strip_prefix('!') {
            Some(name) => (&mut choice.except, name.trim()),
            None => (&mut choice.only, part),
        };
        if !crate::schema::patterns::fits(crate::schema::patterns::LABEL, name) {
            let message =
                "expected names of namespaces, such as `default,staging` or `!production`";
            mistakes.add("--namespaces", part, message);
        }
        list.push(name.to_owned());
    }
    if let Some(scope) = &flags.client_namespace_scope {
        // chaoskube sees this one alone, and chooses among what it sees.
        if !choice.only.is_empty() && !choice.only.contains(scope) {
            let message = "expected one of --namespaces: so chaoskube kills nothing at all";
            mistakes.add("--client-namespace-scope", scope, message);
        }
        choice.only = vec![scope.clone()];
    }
    if choice.only.is_empty() {
        notes.push("`kube-system` is left alone unless `namespaces.only` names it.".to_owned());
    }
    choice
}

/// chaoskube looks at the owner that a pod names itself, which is a ReplicaSet for the pods of a
/// Deployment.
fn kinds(list: &str, mistakes: &mut Mistakes, notes: &mut Vec<String>) -> Vec<OwnerKind> {
    let of = |word: &str| match OwnerKind::named(word) {
        Some(OwnerKind::ReplicaSet) => vec![OwnerKind::Deployment, OwnerKind::ReplicaSet],
        kind => kind.into_iter().collect(),
    };
    let (mut only, mut except) = (Vec::new(), Vec::new());
    for part in parts(list) {
        let (word, chosen) = match part.strip_prefix('!') {
            Some(word) => (word.trim(), &mut except),
            None => (part, &mut only),
        };
        let kinds = of(word);
        if kinds.is_empty() {
            notes.push(format!(
                "--kinds: pods of the kind {word} are never killed here."
            ));
        }
        chosen.push(kinds);
    }
    let (is_any, only, except) = (only.is_empty(), only.concat(), except.concat());
    let kinds = OwnerKind::ALL.into_iter();
    let kinds = kinds.filter(|it| (is_any || only.contains(it)) && !except.contains(it));
    let kinds: Vec<OwnerKind> = kinds.collect();
    if kinds.is_empty() {
        let words = OwnerKind::ALL.map(OwnerKind::as_str).join(", ");
        mistakes.add("--kinds", list, format!("that leaves none of {words}"));
    }
    kinds
}

fn method(text: &str, mistakes: &mut Mistakes, notes: &mut Vec<String>) -> KillMethod {
    if text.starts_with('-') {
        notes.push(
            "chaoskube deletes. An eviction leaves a pod the same grace, and disruption budgets can \
             refuse it."
                .to_owned(),
        );
        return KillMethod::Evict;
    }
    match duration("--grace-period", text, mistakes) {
        grace if grace == Span::default() => KillMethod::DeleteNow,
        grace => KillMethod::Delete(grace),
    }
}

fn duration(flag: &str, text: &str, mistakes: &mut Mistakes) -> Span {
    text.parse().unwrap_or_else(|error| {
        let message = format!("expected a duration such as `90s` or `1h30m`: {error}");
        mistakes.add(flag, text, message);
        Span::default()
    })
}

fn time_zone(text: &str, mistakes: &mut Mistakes) -> String {
    if text == "Local" {
        let message = "an agent has no place: write an IANA name such as `Europe/Berlin`";
        mistakes.add("--timezone", text, message);
    }
    text.to_owned()
}

fn weekdays(list: &str, mistakes: &mut Mistakes) -> Vec<Weekday> {
    const WORDS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let mut weekdays = Weekday::ALL.to_vec();
    for part in parts(list) {
        match WORDS
            .iter()
            .position(|word| part.eq_ignore_ascii_case(word))
        {
            Some(index) => weekdays.retain(|day| *day != Weekday::ALL[index]),
            None => mistakes.add(
                "--excluded-weekdays",
                part,
                "expected one of Mon, Tue, Wed, Thu, Fri, Sat, Sun (chaoskube passes over it, and \
                 kills on that day)",
            ),
        }
    }
    if weekdays.is_empty() {
        mistakes.add("--excluded-weekdays", list, "that leaves no day");
    }
    weekdays
}

fn times(list: &str, mistakes: &mut Mistakes, notes: &mut Vec<String>) -> Hours {
    let mut left_out = Vec::new();
    for part in parts(list) {
        let period = part.split_once('-');
        match period.and_then(|(from, to)| Some((minute(from)?, minute(to)?))) {
            Some(period) => left_out.push(period),
            None => mistakes.add(
                "--excluded-times-of-day",
                part,
                "expected a time such as `22:00-08:00`",
            ),
        }
    }
    let parts = remaining(&left_out);
    let Some(longest) = parts.iter().rev().max_by_key(|(from, to)| to - from) else {
        mistakes.add(
            "--excluded-times-of-day",
            list,
            "that leaves no minute of the day",
        );
        return Hours::default();
    };
    if parts.len() > 1 {
        let all = parts.iter().map(|part| hours(*part));
        let all: Vec<String> = all.map(|it| format!("{}-{}", it.from, it.to)).collect();
        notes.push(format!(
            "--excluded-times-of-day leaves {}. An agent has one part of the day, and this is the \
             longest; a second agent can have another one.",
            all.join(" and ")
        ));
    }
    hours(*longest)
}

/// The minute of the day that a text such as `8:05` names.
fn minute(text: &str) -> Option<usize> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute): (usize, usize) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

fn days(list: &str, mistakes: &mut Mistakes) -> Vec<String> {
    let mut days = Vec::new();
    for part in parts(list) {
        match day(part) {
            Some(day) => days.push(day),
            None => mistakes.add(
                "--excluded-days-of-year",
                part,
                "expected a day such as `Apr1` or `Dec24`",
            ),
        }
    }
    days
}

/// A day such as `Dec24` as settings have it.
fn day(text: &str) -> Option<String> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let (month, day) = text.split_at_checked(3)?;
    let month = MONTHS
        .iter()
        .position(|it| month.eq_ignore_ascii_case(it))?
        + 1;
    let day: usize = day.trim_start_matches(['_', ' ']).parse().ok()?;
    Some(format!("{month:02}-{day:02}"))
}

/// Of kills, as chaoskube tells.
fn webhooks(flags: &ChaoskubeFlags, notes: &mut Vec<String>) -> Vec<Webhook> {
    if flags.slack_webhook.is_none() {
        return Vec::new();
    }
    notes.push(format!(
        "The URL of --slack-webhook is a secret: put it into the file {URL_FILE}, which the chart \
         mounts from a Secret."
    ));
    vec![Webhook {
        name: "slack".to_owned(),
        form: WebhookForm::Slack,
        url_file: URL_FILE.to_owned(),
        about: vec![Topic::Killed],
    }]
}

/// Whether a duration is one that ends: a negative one is none.
fn is_limited(runtime: &str) -> bool {
    !runtime.is_empty() && !runtime.starts_with('-')
}

/// What is no setting, but is told the agent in another way.
fn elsewhere(flags: &ChaoskubeFlags) -> Vec<String> {
    let told = [
        (
            flags.metrics_address.is_some(),
            "--metrics-address is `--listen` of `chaos-monkey agent`.",
        ),
        (
            flags.log_format.is_some(),
            "--log-format is `--log-format` of `chaos-monkey agent`.",
        ),
        (
            flags.debug,
            "--debug is `--log-level debug` of `chaos-monkey agent`.",
        ),
        (flags.log_caller, "--log-caller has no counterpart."),
        (
            is_limited(&flags.max_runtime),
            "--max-runtime has no counterpart: an agent kills until somebody ends or halts it.",
        ),
        (
            flags.ignore_single_replicas,
            "--ignore-single-replicas is `guards.minimumReplicas: 2`, which goes without saying.",
        ),
        (
            flags.master.is_some(),
            "--master is a context: `--context` of every command.",
        ),
        (
            flags.kubeconfig.is_some(),
            "--kubeconfig is the variable KUBECONFIG.",
        ),
    ];
    let told = told.into_iter().filter(|(is_given, _)| *is_given);
    told.map(|(_, note)| note.to_owned()).collect()
}

#[cfg(test)]
mod tests;
