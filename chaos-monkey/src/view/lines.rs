//! A plain line a second, for logs and pipes.

use std::fmt::Write;

use super::text;
use crate::verdict::{BrokenNow, Live, words};

/// One line about the present moment, without a line feed.
pub fn line(live: &Live) -> String {
    let Some(about) = &live.about else {
        return "starting".to_owned();
    };
    if live.now < 0 {
        let all = live.instances.len();
        return format!("starting  {} of {all} instances ready", ready(live));
    }
    let phase = live.phase.map_or("before", words::phase);
    let p99 = words::milliseconds_or_dash(live.last.latency.map(|latency| latency.p99));
    let mut line = format!(
        "{:>6} / {}  {phase:<6}  {:>4.0} requests/s  yield {}  harvest {}  p99 {p99}  up {}/{}",
        words::seconds(live.now),
        words::seconds(about.duration_micros),
        live.rate,
        words::percent_or_dash(live.last.yield_ratio),
        words::percent_or_dash(live.last.harvest),
        ready(live),
        live.instances.len(),
    );
    if live.total.failed > 0 {
        let _ = write!(line, "  failed {}", words::count(live.total.failed));
    }
    if !live.broken.is_empty() {
        let broken: Vec<_> = live.broken.iter().map(broken_now).collect();
        let _ = write!(line, "  breaking: {}", broken.join(", "));
    }
    text::plain(&line)
}

/// `kill gateway/1`, `outage recommendations (2 instances)`.
pub fn broken_now(broken: &BrokenNow) -> String {
    let services: std::collections::BTreeSet<_> = broken
        .victims
        .iter()
        .map(|victim| victim.service.as_str())
        .collect();
    let services = services.into_iter().collect::<Vec<_>>().join(" and ");
    match broken.victims.as_slice() {
        [victim] => format!("{} {victim}", broken.kind),
        victims => format!("{} {services} ({} instances)", broken.kind, victims.len()),
    }
}

fn ready(live: &Live) -> usize {
    use crate::verdict::InstanceState::Up;
    live.instances
        .iter()
        .filter(|instance| instance.state == Up)
        .count()
}
