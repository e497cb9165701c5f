//! The time line: faults as bands over requests, yield and harvest, latency, instances, breakers.

use maud::{Markup, html};

use super::super::text;
use super::chart::{
    Axis, Bin, LEFT, Panel, RIGHT, WIDTH, bins, columns, cross, line, place, round_up,
};
use super::lanes::{self, ROW};
use crate::verdict::{FaultRun, Run, words};

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
    let breakers = lanes::not_closed(run);
    let instances_top = latency.bottom() + GAP;
    let instances = lanes::lanes(&run.instances, instances_top);
    let instances_bottom = instances.last().map_or(instances_top, |(y, _)| y + ROW);
    let breakers_top = instances_bottom + GAP - 6.0;
    let bottom = if breakers.is_empty() {
        instances_bottom
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
            (lanes::instances(&instances, axis, instances_top))
            (lanes::breaker_lanes(&breakers, axis, breakers_top))
            @for tick in axis.ticks() {
                text.middle x=(place(axis.x(tick))) y=(place(bottom + 18.0)) { (tick / 1_000_000) " s" }
            }
        }
    }
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
            span.sign { "✕ killed, with a circle if it ended by itself" }
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
