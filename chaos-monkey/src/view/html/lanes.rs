//! The lanes below the panels: the life of each instance, and breakers that were not closed.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::chart::{Axis, LEFT, RIGHT, cross, place};
use crate::journal::InstanceName;
use crate::verdict::{BreakerTransition, InstanceRun, InstanceState, Run, words};

/// The distance from one lane to the next.
pub(super) const ROW: f64 = 15.0;
const BAR: f64 = 10.0;
const SERVICE_GAP: f64 = 5.0;

/// Where the lane of each instance lies; services stand a little apart.
pub(super) fn lanes(instances: &[InstanceRun], top: f64) -> Vec<(f64, &InstanceRun)> {
    let mut y = top;
    let mut service = instances.first().map(|run| run.instance.service.as_str());
    instances
        .iter()
        .map(|instance| {
            if service != Some(instance.instance.service.as_str()) {
                service = Some(&instance.instance.service);
                y += SERVICE_GAP;
            }
            let lane = (y, instance);
            y += ROW;
            lane
        })
        .collect()
}

/// The life of each instance.
pub(super) fn instances(lanes: &[(f64, &InstanceRun)], axis: Axis, top: f64) -> Markup {
    html! {
        text.heading x="0" y=(place(top - 11.0)) { "Instances" }
        @for (y, instance) in lanes { (instance_row(instance, axis, *y)) }
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
pub(super) struct NotClosed {
    instance: InstanceName,
    from: i64,
    to: i64,
    state: String,
}

/// The breakers that ever left closed, by the dependency they protect from.
pub(super) fn not_closed(run: &Run) -> BTreeMap<&str, Vec<NotClosed>> {
    let mut rows: BTreeMap<&str, Vec<NotClosed>> = BTreeMap::new();
    for (index, transition) in run.breakers.iter().enumerate() {
        if transition.to == "closed" {
            continue;
        }
        let same = |later: &&BreakerTransition| {
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

pub(super) fn breaker_lanes(rows: &BTreeMap<&str, Vec<NotClosed>>, axis: Axis, top: f64) -> Markup {
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
