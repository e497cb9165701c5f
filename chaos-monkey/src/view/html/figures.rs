//! The few numbers that everybody looks at first.

use maud::{Markup, html};

use crate::verdict::{RecoveryStatus, Run, words};

/// The figures below the head.
pub(super) fn figures(run: &Run) -> Markup {
    let total = &run.total;
    let latency = |pick: fn(&crate::verdict::Latency) -> f64| {
        words::milliseconds_or_dash(total.latency.as_ref().map(pick))
    };
    let (recovery, allowed) = recovery(run);
    html! {
        dl.figures {
            (figure("Yield", &words::percent_or_dash(total.yield_ratio), &format!(
                "{} of {} failed", words::count(total.failed), words::count(total.requests),
            )))
            (figure("First attempts", &words::percent_or_dash(total.first_attempt_yield), "yield without the device's second try"))
            (figure("Harvest", &words::percent_or_dash(total.harvest), &format!(
                "{} answered in part", words::count(total.degraded),
            )))
            (figure("Latency p99", &latency(|latency| latency.p99), &format!(
                "p50 {}, longest {}", latency(|latency| latency.p50), latency(|latency| latency.max),
            )))
            (figure("Recovery", &recovery, &allowed))
            (figure("Unexplained", &words::count(run.unexplained_failed + run.unexplained_degraded),
                "failed or degraded requests that no fault overlaps"))
        }
    }
}

fn figure(name: &str, value: &str, more: &str) -> Markup {
    html! {
        div {
            dt { (name) }
            dd.value { (value) }
            dd.more { (more) }
        }
    }
}

fn recovery(run: &Run) -> (String, String) {
    let within = words::seconds(run.about.recovery_within_micros);
    let is_missing = |status| {
        matches!(
            status,
            RecoveryStatus::NotRecovered | RecoveryStatus::TooShort
        )
    };
    if run
        .recoveries
        .iter()
        .any(|recovery| is_missing(recovery.status))
    {
        return ("not seen".to_owned(), format!("{within} allowed"));
    }
    let slowest = run
        .recoveries
        .iter()
        .filter_map(|recovery| recovery.after_micros)
        .max();
    (
        words::seconds_or_dash(slowest),
        format!("slowest; {within} allowed"),
    )
}
