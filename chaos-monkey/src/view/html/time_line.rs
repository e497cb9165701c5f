//! The time line: faults as bands over requests, yield and harvest, latency, instances, breakers.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::super::text;
use super::chart::{Axis, Bin, LEFT, Panel, RIGHT, WIDTH, bins, columns, line, round_up};
use crate::journal::InstanceName;
use crate::verdict::{FaultRun, InstanceRun, InstanceState, Run, words};

const ROW: f64 = 15.0;
const BAR: f64 = 10.0;
const GAP: f64 = 36.0;
const FIRST_PANEL: f64 = 66.0;

/// The section with the picture, its legend and its data.
pub(super) fn section(run: &Run) -> Markup {
    html! {
        section {
            h2 { "Time line" }
            p { "Each column is a slot of 100 ms of intended starts; seconds count from the moment the load began." }
            (figure(run, "run"))
        }
    }
}

/// The picture alone. `prefix` makes its ids unique on the page.
pub(in crate::view) fn figure(run: &Run, prefix: &str) -> Markup {
    let bins = bins(&run.slots, run.load_ended_micros);
    html! {
        figure.time-line {
            div.scroll { (picture(run, &bins, prefix)) }
            (legend())
            (data(&bins))
        }
    }
}

fn picture(run: &Run, bins: &[Bin], prefix: &str) -> Markup {
    let axis = Axis {
        end: run.load_ended_micros,
    };
    let rate = bins
        .iter()
        .map(|bin| bin.rate(bin.requests()))
        .fold(1.0, f64::max);
    let slowest = bins.iter().filter_map(|bin| bin.p99).fold(100.0, f64::max);
    let requests = Panel {
        top: FIRST_PANEL,
        height: 84.0,
        max: round_up(rate),
        is_logarithmic: false,
    };
    let shares = Panel {
        top: requests.bottom() + GAP,
        height: 104.0,
        max: 1.0,
        is_logarithmic: false,
    };
    let latency = Panel {
        top: shares.bottom() + GAP,
        height: 92.0,
        max: 10_f64.powf(slowest.log10().ceil()),
        is_logarithmic: true,
    };
    let breakers = breaker_rows(run);
    let instances_top = latency.bottom() + GAP;
    let breakers_top =
        instances_top + group_gaps(&run.instances) + run.instances.len() as f64 * ROW + GAP - 6.0;
    let bottom = if breakers.is_empty() {
        breakers_top - GAP + 6.0
    } else {
        breakers_top + breakers.len() as f64 * ROW
    };
    let height = bottom + 28.0;
    let (title, description) = (format!("{prefix}-title"), format!("{prefix}-description"));
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {height:.0}")) role="img" aria-labelledby=(format!("{title} {description}")) {
            title id=(title) { "Time line of the game day " (text::title(run)) }
            desc id=(description) { (describe(run)) }
            (phases(run, axis, bottom))
            (bands(run, axis, bottom))
            (scale(requests, "Requests per second", &[0.0, requests.max / 2.0, requests.max], |value| format!("{value:.0}")))
            path.full d=(columns(axis, requests, bins, |bin| (0, bin.full))) {}
            path.degraded d=(columns(axis, requests, bins, |bin| (bin.full, bin.degraded))) {}
            path.failed d=(columns(axis, requests, bins, |bin| (bin.full + bin.degraded, bin.failed))) {}
            (scale(shares, "Yield and harvest", &[0.0, 0.5, 1.0], |value| format!("{:.0} %", value * 100.0)))
            path.harvest d=(line(axis, shares, bins, |bin| bin.harvest)) {}
            path.yield d=(line(axis, shares, bins, |bin| bin.yield_ratio)) {}
            (scale(latency, "Latency p50, p99", &decades(latency.max), milliseconds))
            path.p99 d=(line(axis, latency, bins, |bin| bin.p99)) {}
            path.p50 d=(line(axis, latency, bins, |bin| bin.p50)) {}
            (instances(run, axis, instances_top))
            (breaker_lanes(&breakers, axis, breakers_top))
            @for tick in axis.ticks() {
                text.middle x=(place(axis.x(tick))) y=(place(bottom + 18.0)) { (tick / 1_000_000) " s" }
            }
        }
    }
}

fn place(value: f64) -> String {
    format!("{value:.1}")
}

fn decades(max: f64) -> Vec<f64> {
    let count = max.log10().round() as i32;
    (0..=count).map(|power| 10_f64.powi(power)).collect()
}

fn milliseconds(value: f64) -> String {
    if value >= 1_000.0 {
        format!("{:.0} s", value / 1_000.0)
    } else {
        format!("{value:.0} ms")
    }
}

/// What the picture shows, for those who do not see it.
fn describe(run: &Run) -> String {
    let faults: Vec<_> = run
        .executed()
        .iter()
        .map(|fault| {
            let victims = text::victims(&fault.victims);
            format!(
                "{} of {victims} at {}",
                fault.kind,
                words::seconds_or_dash(fault.began_micros)
            )
        })
        .collect();
    format!(
        "Over {}: {}, yield {}, harvest {}. Faults: {}. The numbers of each slot are in the table below.",
        words::seconds(run.load_ended_micros),
        words::counted(run.total.requests, "request", "requests"),
        words::percent_or_dash(run.total.yield_ratio),
        words::percent_or_dash(run.total.harvest),
        if faults.is_empty() {
            "none".to_owned()
        } else {
            faults.join("; ")
        },
    )
}

fn scale(panel: Panel, name: &str, ticks: &[f64], label: fn(f64) -> String) -> Markup {
    html! {
        text.heading x="0" y=(place(panel.top - 14.0)) { (name) }
        @for tick in ticks {
            line.grid x1=(LEFT) x2=(RIGHT) y1=(place(panel.y(*tick))) y2=(place(panel.y(*tick))) {}
            text.end x=(LEFT - 8.0) y=(place(panel.y(*tick) + 4.0)) { (label(*tick)) }
        }
    }
}

fn phases(run: &Run, axis: Axis, bottom: f64) -> Markup {
    html! {
        @for (index, phase) in run.phases.iter().enumerate() {
            @let (left, right) = (axis.x(phase.from_micros), axis.x(phase.to_micros));
            @if index > 0 {
                line.phase x1=(place(left)) x2=(place(left)) y1="2" y2=(place(bottom)) {}
            }
            @if right - left > 40.0 {
                text x=(place(left + 5.0)) y="11" { (words::phase(phase.phase)) }
            }
        }
    }
}

/// Faults that last are bands with a name; kills are a line with a cross.
fn bands(run: &Run, axis: Axis, bottom: f64) -> Markup {
    let mut names = Names::default();
    html! {
        @for fault in run.executed() {
            @let left = axis.x(fault.began_micros.unwrap_or_default());
            @if fault.kind == "kill" {
                g {
                    title { (told(fault)) }
                    line.kill-edge x1=(place(left)) x2=(place(left)) y1="34" y2=(place(bottom)) {}
                    path.kill d=(cross(left, 29.0)) {}
                }
            } @else {
                @let right = axis.x(fault.ended_micros.unwrap_or(axis.end));
                g {
                    title { (told(fault)) }
                    rect.band x=(place(left)) y="20" width=(place((right - left).max(1.0))) height=(place(bottom - 20.0)) {}
                    line.band-edge x1=(place(left)) x2=(place(left)) y1="20" y2=(place(bottom)) {}
                    line.band-edge x1=(place(right)) x2=(place(right)) y1="20" y2=(place(bottom)) {}
                    @if names.fits(left, &fault.id) {
                        text.band-name x=(place(left + 5.0)) y="33" { (fault.id) }
                    }
                }
            }
        }
    }
}

/// Keeps names in one row from running into each other.
#[derive(Default)]
struct Names {
    taken: f64,
}

impl Names {
    fn fits(&mut self, left: f64, name: &str) -> bool {
        let fits = left >= self.taken;
        if fits {
            self.taken = left + name.chars().count() as f64 * 6.6 + 12.0;
        }
        fits
    }
}

fn told(fault: &FaultRun) -> String {
    format!(
        "{}: {} of {} at {}",
        fault.id,
        fault.kind,
        text::victims(&fault.victims),
        words::seconds_or_dash(fault.began_micros),
    )
}

fn cross(x: f64, y: f64) -> String {
    format!(
        "M{:.1} {:.1}l6 6M{:.1} {:.1}l-6 6",
        x - 3.0,
        y - 3.0,
        x + 3.0,
        y - 3.0,
    )
}

/// Services stand a little apart.
fn group_gaps(instances: &[InstanceRun]) -> f64 {
    let groups = instances.windows(2).filter(
        |pair| matches!(pair, [left, right] if left.instance.service != right.instance.service),
    );
    groups.count() as f64 * 5.0
}

fn instances(run: &Run, axis: Axis, top: f64) -> Markup {
    let mut y = top;
    let mut service = run
        .instances
        .first()
        .map(|run| run.instance.service.as_str());
    html! {
        text.heading x="0" y=(place(top - 11.0)) { "Instances" }
        @for instance in &run.instances {
            @let _ = {
                if service != Some(instance.instance.service.as_str()) {
                    service = Some(&instance.instance.service);
                    y += 5.0;
                }
            };
            (instance_row(instance, axis, y))
            @let _ = y += ROW;
        }
    }
}

fn instance_row(instance: &InstanceRun, axis: Axis, y: f64) -> Markup {
    let middle = y + BAR / 2.0;
    html! {
        text.end x=(LEFT - 8.0) y=(place(y + 9.0)) { (instance.instance) }
        @for span in instance.states.iter().filter(|span| span.to > 0) {
            @let (left, right) = (axis.x(span.from), axis.x(span.to));
            @let (class, word) = match span.state {
                InstanceState::Up => ("up", "up"),
                InstanceState::Starting => ("starting", "starting"),
                InstanceState::Paused => ("paused", "paused"),
                InstanceState::Down => ("down", "down"),
            };
            g {
                title {
                    (instance.instance) " " (word) " from " (words::seconds(span.from)) " to " (words::seconds(span.to))
                }
                @if span.state == InstanceState::Down {
                    line.down x1=(place(left)) x2=(place(right)) y1=(place(middle)) y2=(place(middle)) {}
                } @else {
                    rect.(class) x=(place(left)) y=(place(y)) width=(place((right - left).max(0.6))) height=(BAR) {}
                }
            }
        }
        @for end in instance.ends.iter().filter(|end| end.at_micros <= axis.end) {
            @let x = axis.x(end.at_micros);
            g {
                title {
                    (instance.instance) " ended at " (words::seconds(end.at_micros)) " (" (end.how) "), "
                    (end.fault.as_deref().unwrap_or("by itself"))
                }
                path.kill d=(cross(x, middle)) {}
                @if end.fault.is_none() {
                    circle.kill cx=(place(x)) cy=(place(middle)) r="6" {}
                }
            }
        }
    }
}

/// A while in which a breaker of one instance was not closed.
struct NotClosed {
    instance: InstanceName,
    from: i64,
    to: i64,
    state: String,
}

/// The breakers that ever left closed, by the dependency they protect from.
fn breaker_rows(run: &Run) -> BTreeMap<&str, Vec<NotClosed>> {
    let mut rows: BTreeMap<&str, Vec<NotClosed>> = BTreeMap::new();
    for (index, transition) in run.breakers.iter().enumerate() {
        if transition.to == "closed" {
            continue;
        }
        let same = |later: &&crate::verdict::BreakerTransition| {
            later.instance == transition.instance && later.breaker == transition.breaker
        };
        let next = run
            .breakers
            .iter()
            .skip(index + 1)
            .find(same)
            .map(|later| later.at_micros);
        // A breaker dies with its instance.
        let died = run
            .instances
            .iter()
            .filter(|run| run.instance == transition.instance)
            .flat_map(|run| &run.ends)
            .map(|end| end.at_micros)
            .find(|at| *at > transition.at_micros);
        let to = next
            .into_iter()
            .chain(died)
            .min()
            .unwrap_or(run.load_ended_micros);
        rows.entry(&transition.breaker)
            .or_default()
            .push(NotClosed {
                instance: transition.instance.clone(),
                from: transition.at_micros,
                to,
                state: transition.to.clone(),
            });
    }
    rows
}

fn breaker_lanes(rows: &BTreeMap<&str, Vec<NotClosed>>, axis: Axis, top: f64) -> Markup {
    html! {
        @if !rows.is_empty() {
            text.heading x="0" y=(place(top - 11.0)) { "Breakers not closed" }
        }
        @for (index, (breaker, spans)) in rows.iter().enumerate() {
            @let y = top + index as f64 * ROW;
            text.end x=(LEFT - 8.0) y=(place(y + 9.0)) { "to " (breaker) }
            line.grid x1=(LEFT) x2=(RIGHT) y1=(place(y + BAR)) y2=(place(y + BAR)) {}
            @for span in spans.iter().filter(|span| span.to > 0 && span.from <= axis.end) {
                @let (left, right) = (axis.x(span.from), axis.x(span.to));
                @let class = if span.state == "open" { "open" } else { "half-open" };
                g {
                    title {
                        "breaker to " (breaker) " in " (span.instance) " " (span.state) " from "
                        (words::seconds(span.from)) " to " (words::seconds(span.to))
                    }
                    rect.(class) x=(place(left)) y=(place(y)) width=(place((right - left).max(1.2))) height=(BAR) {}
                }
            }
        }
    }
}

fn legend() -> Markup {
    let entries = [
        ("full answer, complete", "--full"),
        ("degraded answer, harvest", "--degraded"),
        ("failed request", "--failed"),
        ("yield, p50", "--line"),
        ("p99", "--faint"),
        ("instance up", "--up"),
        ("starting", "--starting"),
    ];
    html! {
        figcaption.legend {
            @for (name, colour) in entries {
                span style=(format!("--swatch: var({colour})")) { (name) }
            }
            span style="--swatch: var(--down)" { "✕ killed, with a circle if it ended by itself" }
        }
    }
}

fn data(bins: &[Bin]) -> Markup {
    html! {
        details {
            summary { "The numbers behind the picture" }
            table {
                caption { "User requests by intended start; latencies of the slowest slot" }
                thead { tr {
                    @for name in ["From", "Requests", "Full", "Degraded", "Failed", "Yield", "Harvest", "p50", "p99"] {
                        th.number scope="col" { (name) }
                    }
                } }
                tbody { @for bin in bins { tr {
                    th.number scope="row" { (words::seconds(bin.from)) }
                    td.number { (bin.requests()) }
                    td.number { (bin.full) }
                    td.number { (bin.degraded) }
                    td.number { (bin.failed) }
                    td.number { (words::percent_or_dash(bin.yield_ratio)) }
                    td.number { (words::percent_or_dash(bin.harvest)) }
                    td.number { (words::milliseconds_or_dash(bin.p50)) }
                    td.number { (words::milliseconds_or_dash(bin.p99)) }
                } } }
            }
        }
    }
}
