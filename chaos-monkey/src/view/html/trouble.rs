//! What failed and why, and what was replaced by what.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::count_cell;
use crate::journal::RequestResult;
use crate::verdict::{Run, Troubled, words};

/// How many groups of failures are listed.
const MOST_GROUPS: usize = 24;
/// How many failed requests are shown as examples.
const MOST_EXAMPLES: usize = 12;

/// The failed requests: by cause, where, under which fault, and some of them.
pub(super) fn failures(run: &Run) -> Markup {
    let failed: Vec<_> =
        run.troubled.iter().filter(|request| request.result == RequestResult::Failed).collect();
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
    let most = run.failed_by_cause.iter().map(|count| count.requests).max().unwrap_or(1);
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

/// What a user did, why it failed, and under which faults.
fn groups(failed: &[&Troubled]) -> Markup {
    let mut groups: BTreeMap<(&str, &str, String, String), Vec<i64>> = BTreeMap::new();
    for request in failed {
        let cause = words::cause(request.cause.as_ref());
        let key = (&*request.journey, &*request.step, cause, faults(request));
        groups.entry(key).or_default().push(request.intended);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, times)| std::cmp::Reverse(times.len()));
    let more = groups.len().saturating_sub(MOST_GROUPS);
    html! {
        div.scroll { table {
            caption { "Where it fell over: what the user did, why it failed, and the faults that overlap it" }
            thead { tr {
                th scope="col" { "Journey" } th scope="col" { "Step" } th scope="col" { "Cause" }
                th scope="col" { "Under" }
                th.number scope="col" { "Requests" } th.number scope="col" { "First" } th.number scope="col" { "Last" }
            } }
            tbody { @for ((journey, step, cause, faults), times) in groups.iter().take(MOST_GROUPS) { tr {
                th scope="row" { (journey) }
                td { (step) }
                td.nowrap { (cause) }
                td { (faults) }
                (count_cell(times.len() as u64))
                td.number { (words::seconds_or_dash(times.iter().min().copied())) }
                td.number { (words::seconds_or_dash(times.iter().max().copied())) }
            } } }
        } }
        @if more > 0 { p.note { "and " (more) " smaller groups" } }
    }
}

fn examples(failed: &[&Troubled]) -> Markup {
    // Unexplained ones first: they are what somebody has to look into.
    let mut examples: Vec<_> = failed.to_vec();
    examples.sort_by_key(|request| (!request.faults.is_empty(), request.intended, request.id));
    html! {
        div.scroll { table {
            caption { "Examples, unexplained ones first" }
            thead { tr {
                th.number scope="col" { "At" } th scope="col" { "Request" } th scope="col" { "Journey" }
                th scope="col" { "Step" } th scope="col" { "Cause" }
                th.number scope="col" { "Attempts" } th.number scope="col" { "Waited" }
                th scope="col" { "Faults" }
            } }
            tbody { @for request in examples.iter().take(MOST_EXAMPLES) { tr {
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
    let most = run.degradations.iter().map(|count| count.requests).max().unwrap_or(1);
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
