//! What failed and why, and what was replaced by what.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use maud::{Markup, html};

use super::count_cell;
use crate::journal::RequestResult;
use crate::verdict::{Run, Troubled, words};

/// How many groups of failures are listed.
const MOST_GROUPS: usize = 16;
/// How many failed requests are shown as examples.
const MOST_EXAMPLES: usize = 12;
/// How many of them have the same cause.
const MOST_EXAMPLES_PER_CAUSE: usize = 3;

/// The failed requests: by cause, where, under which fault, and some of them.
pub(super) fn failures(run: &Run) -> Markup {
    let failed: Vec<_> = run
        .troubled
        .iter()
        .filter(|request| request.result == RequestResult::Failed)
        .collect();
    html! {
        section {
            h2 { "Failed requests" }
            @if failed.is_empty() {
                p { "None. Every user request got a usable answer." }
            } @else {
                p {
                    (words::counted(failed.len() as u64, "request", "requests"))
                    " got no usable answer; "
                    (words::count(run.unexplained_failed)) " of them overlap no fault."
                }
                (by_cause(run))
                (groups(&failed))
                (examples(&failed))
            }
        }
    }
}

fn by_cause(run: &Run) -> Markup {
    let most = run
        .failed_by_cause
        .iter()
        .map(|count| count.requests)
        .max()
        .unwrap_or(1);
    html! {
        table {
            caption { "By cause: why the last attempt of the user's device failed" }
            thead { tr {
                th scope="col" { "Cause" } th.number scope="col" { "Requests" }
                th aria-hidden="true" { "" }
            } }
            tbody { @for count in &run.failed_by_cause { tr {
                th scope="row" { (count.cause) }
                (count_cell(count.requests))
                td.bar aria-hidden="true" { (share(count.requests, most, "failed")) }
            } } }
        }
    }
}

fn share(part: u64, whole: u64, class: &str) -> Markup {
    let percent = part as f64 / whole.max(1) as f64 * 100.0;
    html! { span.share.(class) style=(format!("width: {percent:.1}%")) {} }
}

/// The failures of one step of one journey under the same faults.
#[derive(Default)]
struct Group<'a> {
    requests: u64,
    first: i64,
    last: i64,
    causes: BTreeMap<String, u64>,
    place: (&'a str, &'a str),
    faults: String,
}

fn group<'a>(failed: &[&'a Troubled]) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<(&str, &str, String), Group<'a>> = BTreeMap::new();
    for request in failed {
        let place = (request.journey.as_str(), request.step.as_str());
        let faults = faults(request);
        let group = groups
            .entry((place.0, place.1, faults.clone()))
            .or_insert_with(|| Group {
                first: request.intended,
                last: request.intended,
                place,
                faults,
                ..Group::default()
            });
        group.requests += 1;
        group.first = group.first.min(request.intended);
        group.last = group.last.max(request.intended);
        *group
            .causes
            .entry(words::cause(request.cause.as_ref()))
            .or_default() += 1;
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| Reverse(group.requests));
    groups
}

/// What a user did, why it failed, and under which faults.
fn groups(failed: &[&Troubled]) -> Markup {
    let groups = group(failed);
    let more = groups.len().saturating_sub(MOST_GROUPS);
    html! {
        div.scroll { table {
            caption { "Where it fell over: what the user did, and the faults that overlap it" }
            thead { tr {
                th scope="col" { "Journey" } th scope="col" { "Step" } th scope="col" { "Under" }
                th.number scope="col" { "Requests" } th.number scope="col" { "First" } th.number scope="col" { "Last" }
                th scope="col" { "Causes" }
            } }
            tbody { @for group in groups.iter().take(MOST_GROUPS) { tr {
                th scope="row" { (group.place.0) }
                td { (group.place.1) }
                td { (group.faults) }
                (count_cell(group.requests))
                td.number { (words::seconds(group.first)) }
                td.number { (words::seconds(group.last)) }
                td { (causes(&group.causes)) }
            } } }
        } }
        @if more > 0 { p.note { "and " (words::counted(more as u64, "smaller group", "smaller groups")) } }
    }
}

/// `625 status 502, 10 reset`.
fn causes(causes: &BTreeMap<String, u64>) -> String {
    let mut causes: Vec<_> = causes.iter().collect();
    causes.sort_by_key(|(_, requests)| Reverse(**requests));
    let causes = causes
        .iter()
        .map(|(cause, requests)| format!("{} {cause}", words::count(**requests)));
    causes.collect::<Vec<_>>().join(", ")
}

/// Unexplained ones first: they are what somebody has to look into. Then a few of each cause.
fn pick<'a>(failed: &[&'a Troubled]) -> Vec<&'a Troubled> {
    let mut seen: BTreeMap<(bool, String), usize> = BTreeMap::new();
    let mut examples: Vec<_> = failed.to_vec();
    examples.sort_by_key(|request| (!request.faults.is_empty(), request.intended, request.id));
    examples.retain(|request| {
        let cause = words::cause(request.cause.as_ref());
        let seen = seen.entry((request.faults.is_empty(), cause)).or_default();
        *seen += 1;
        *seen <= MOST_EXAMPLES_PER_CAUSE
    });
    examples.truncate(MOST_EXAMPLES);
    examples
}

fn examples(failed: &[&Troubled]) -> Markup {
    html! {
        div.scroll { table {
            caption { "Some of them, unexplained ones first" }
            thead { tr {
                th.number scope="col" { "At" } th scope="col" { "Request" } th scope="col" { "Journey" }
                th scope="col" { "Step" } th scope="col" { "Cause" }
                th.number scope="col" { "Attempts" } th.number scope="col" { "Waited" }
                th scope="col" { "Faults" }
            } }
            tbody { @for request in pick(failed) { tr {
                td.number { (format!("{:.3} s", request.intended as f64 / 1e6)) }
                td { "#" (request.id) }
                td { (request.journey) }
                td { (request.step) }
                td.nowrap { (words::cause(request.cause.as_ref())) }
                td.number { (request.attempts) }
                td.number { (words::milliseconds((request.ended - request.intended) as f64 / 1e3)) }
                td { (faults(request)) }
            } } }
        } }
    }
}

fn faults(request: &Troubled) -> String {
    if request.faults.is_empty() {
        return "unexplained".to_owned();
    }
    request.faults.join(", ")
}

/// What was replaced, why and by what.
pub(super) fn degradations(run: &Run) -> Markup {
    let most = run
        .degradations
        .iter()
        .map(|count| count.requests)
        .max()
        .unwrap_or(1);
    html! {
        section {
            h2 { "What was replaced" }
            @if run.degradations.is_empty() {
                p { "Nothing. Every usable answer was complete." }
            } @else {
                p {
                    (words::counted(run.total.degraded, "answer", "answers"))
                    " said that a part of them was replaced; "
                    (words::count(run.unexplained_degraded)) " of them overlap no fault."
                }
                div.scroll { table {
                    caption { "By dependency, reason and stand-in" }
                    thead { tr {
                        th scope="col" { "Dependency" } th scope="col" { "Reason" } th scope="col" { "Stood in" }
                        th.number scope="col" { "Answers" } th.number scope="col" { "Share of the answer" }
                        th aria-hidden="true" { "" }
                    } }
                    tbody { @for count in &run.degradations { tr {
                        th scope="row" { (count.dependency) }
                        td { (count.reason) }
                        td { (count.stood_in) }
                        (count_cell(count.requests))
                        td.number { (words::percent(count.mean_weight)) }
                        td.bar aria-hidden="true" { (share(count.requests, most, "degraded")) }
                    } } }
                } }
            }
        }
    }
}
