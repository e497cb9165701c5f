//! What an agent counts.

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use crate::agent::census::Survey;
use crate::agent::filter;
use crate::agent::guard::Veto;
use crate::target::kubernetes::Told;

/// What an agent counts.
pub(super) struct Metrics {
    registry: Registry,
    kills: IntCounterVec,
    vetoes: IntCounterVec,
    filtered: IntCounterVec,
    known_filtered: IntGaugeVec,
    pub(super) errors: IntCounter,
    pub(super) late: IntCounter,
    pub(super) recovery_seconds: Histogram,
    pub(super) leads: IntGauge,
    pub(super) open_kills: IntGauge,
    owners: IntGauge,
    pub(super) pods: IntGauge,
    pub(super) misread: IntGauge,
    pub(super) settings_are_bad: IntGauge,
    pub(super) game_days: IntCounterVec,
    pub(super) webhooks: IntCounterVec,
}

/// From a second, in which nothing comes back, to ten minutes.
const RECOVERY_BUCKETS: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0];

impl Metrics {
    pub(super) fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let counters = |name: &str, help: &str, label: &str| {
            kept(
                &registry,
                IntCounterVec::new(Opts::new(name, help), &[label]),
            )
        };
        let counter = |name: &str, help: &str| kept(&registry, IntCounter::new(name, help));
        let gauge = |name: &str, help: &str| kept(&registry, IntGauge::new(name, help));
        let recovery = HistogramOpts::new(
            "chaos_monkey_recovery_seconds",
            "How long owners took until they were whole again.",
        );
        let recovery = recovery.buckets(RECOVERY_BUCKETS.to_vec());
        Ok(Self {
            kills: counters(
                "chaos_monkey_kills_total",
                "Kills, by what became of them.",
                "outcome",
            )?,
            vetoes: counters(
                "chaos_monkey_vetoes_total",
                "Kills that were forbidden, by whom.",
                "by",
            )?,
            filtered: counters(
                "chaos_monkey_filtered_total",
                "Pods of drawn owners that cannot be victims, by the filter that said so.",
                "filter",
            )?,
            known_filtered: kept(
                &registry,
                IntGaugeVec::new(
                    Opts::new(
                        "chaos_monkey_pods_filtered",
                        "Running pods that watches do not propose, by the filter that says so.",
                    ),
                    &["filter"],
                ),
            )?,
            errors: counter(
                "chaos_monkey_errors_total",
                "Kills that were given up since the cluster could not be read or written.",
            )?,
            late: counter(
                "chaos_monkey_late_recoveries_total",
                "Owners that were not whole again within their limit.",
            )?,
            recovery_seconds: kept(&registry, Histogram::with_opts(recovery))?,
            leads: gauge("chaos_monkey_leader", "Whether this copy leads.")?,
            open_kills: gauge(
                "chaos_monkey_open_kills",
                "Kills whose owners are not whole again.",
            )?,
            owners: gauge(
                "chaos_monkey_owners",
                "Owners with pods that may be killed, as watches propose them.",
            )?,
            pods: gauge(
                "chaos_monkey_pods",
                "Running pods that filters of metadata let pass.",
            )?,
            settings_are_bad: gauge(
                "chaos_monkey_settings_refused",
                "Whether the settings on disk are refused and older ones are applied.",
            )?,
            misread: gauge(
                "chaos_monkey_misread_owners",
                "Owners that are left alone until their annotations are understood.",
            )?,
            game_days: counters(
                "chaos_monkey_game_days_total",
                "Game days that this copy has run, by their verdict.",
                "outcome",
            )?,
            webhooks: kept(&registry, webhooks())?,
            registry,
        })
    }

    /// Shows what watches propose. A filter that refuses nothing any more is shown as such.
    pub(super) fn surveyed(&self, survey: &Survey) {
        self.owners.set(number(survey.proposals.len()));
        for filter in filter::ALL {
            let count = survey.filtered.get(filter.name).copied();
            let gauge = self.known_filtered.with_label_values(&[filter.name]);
            gauge.set(number(count.unwrap_or_default()));
        }
    }

    /// Counts a pod that a filter has refused.
    pub(super) fn refused(&self, veto: &Veto) {
        self.filtered.with_label_values(&[veto.by]).inc();
    }

    /// Counts what became of a kill.
    pub(super) fn told(&self, told: &Told) {
        match told {
            Told::Vetoed(veto) => self.vetoes.with_label_values(&[veto.by]).inc(),
            Told::WouldKill => self.kills.with_label_values(&["dryRun"]).inc(),
            Told::OnRecord => self.kills.with_label_values(&["onRecord"]).inc(),
            Told::Done { outcome, .. } => {
                self.kills.with_label_values(&[outcome.as_str()]).inc();
            }
        }
    }

    /// All of it, as Prometheus reads it.
    pub(super) fn text(&self) -> String {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap_or_default()
    }
}

/// What became of news for webhooks.
pub(super) fn webhooks() -> prometheus::Result<IntCounterVec> {
    let options = Opts::new(
        "chaos_monkey_webhooks_total",
        "News for webhooks, by what became of it.",
    );
    IntCounterVec::new(options, &["webhook", "result"])
}

/// A count as a gauge shows it.
pub(super) fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A metric in the registry.
fn kept<Metric>(registry: &Registry, made: prometheus::Result<Metric>) -> prometheus::Result<Metric>
where
    Metric: prometheus::core::Collector + Clone + 'static,
{
    let metric = made?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}
