//! Steady state, numbers and faults as tables.

use maud::{Markup, html};

use super::super::text;
use super::count_cell;
use crate::schema::Phase;
use crate::verdict::{FaultRun, Latency, Numbers, Run, StatementRun, StatementStatus, words};

/// Each statement in each phase.
pub(super) fn steady_state(run: &Run) -> Markup {
    if run.steady_state.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "Steady state" }
            p { "What had to hold before anything was broken, meanwhile, and once the system had recovered." }
            div.scroll { table {
                caption { "Each statement, what was measured, and what was tolerated" }
                thead { tr {
                    th scope="col" { "Statement" } th scope="col" { "Measured" }
                    th scope="col" { "Before" } th scope="col" { "During" } th scope="col" { "After" }
                } }
                tbody {
                    @for statement in &run.steady_state { tr {
                        th scope="row" { (statement.statement.id) }
                        td { (text::measured(statement)) }
                        @for phase in [Phase::Before, Phase::During, Phase::After] {
                            (statement_cell(statement, phase))
                        }
                    } }
                }
            } }
        }
    }
}

fn statement_cell(statement: &StatementRun, phase: Phase) -> Markup {
    let metric = statement.statement.metric;
    let Some(judged) = statement.phases.iter().find(|judged| judged.phase == phase) else {
        return html! { td.quiet { "not asked" } };
    };
    let class = match judged.status {
        StatementStatus::Held => "held",
        StatementStatus::Broken => "broken",
        StatementStatus::TooFewSamples | StatementStatus::NotReached => "unsure",
    };
    html! {
        td.nowrap {
            span.(class) { (text::judged(metric, judged)) }
            span.bound {
                (words::bound(metric, judged.bound))
                @if let Some(windows) = judged.windows.filter(|windows| windows.broken > 0) {
                    "; " (words::count(windows.broken)) " of " (words::counted(windows.judged, "window", "windows"))
                }
            }
        }
    }
}

/// The numbers of each phase and journey.
pub(super) fn numbers(run: &Run) -> Markup {
    html! {
        section {
            h2 { "What users got" }
            div.scroll { table {
                caption { "User requests, by phase and by journey" }
                thead { tr {
                    th scope="col" { "" }
                    @for name in ["Requests", "Failed", "Degraded", "Yield", "First attempts", "Harvest", "p50", "p95", "p99", "Longest"] {
                        th.number scope="col" { (name) }
                    }
                } }
                tbody { (number_row("All", &run.total)) }
                tbody {
                    @for phase in &run.phases {
                        (number_row(&format!(
                            "{} ({} to {})",
                            capital(words::phase(phase.phase)),
                            words::seconds(phase.from_micros),
                            words::seconds(phase.to_micros),
                        ), &phase.numbers))
                    }
                }
                tbody {
                    @for journey in &run.journeys { (number_row(&journey.name, &journey.numbers)) }
                }
            } }
        }
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn number_row(name: &str, numbers: &Numbers) -> Markup {
    let latency =
        |pick: fn(&Latency) -> f64| words::milliseconds_or_dash(numbers.latency.as_ref().map(pick));
    html! {
        tr {
            th.nowrap scope="row" { (name) }
            (count_cell(numbers.requests))
            (count_cell(numbers.failed))
            (count_cell(numbers.degraded))
            td.number { (words::percent_or_dash(numbers.yield_ratio)) }
            td.number { (words::percent_or_dash(numbers.first_attempt_yield)) }
            td.number { (words::percent_or_dash(numbers.harvest)) }
            td.number { (latency(|latency| latency.p50)) }
            td.number { (latency(|latency| latency.p95)) }
            td.number { (latency(|latency| latency.p99)) }
            td.number { (latency(|latency| latency.max)) }
        }
    }
}

/// The planned faults and what became of them.
pub(super) fn faults(run: &Run) -> Markup {
    html! {
        section {
            h2 { "Faults" }
            p {
                "What was broken, and the requests that overlap each fault, from its beginning until its "
                "victims were ready again and the neighbours had two seconds to settle. Faults that lie too "
                "close for the steady state to show in between recover together."
            }
            @if run.faults.is_empty() {
                p.note { "Nothing was planned." }
            } @else {
                div.scroll { table {
                    caption { "Faults in the order of the plan" }
                    thead { tr {
                        th scope="col" { "Fault" } th scope="col" { "Kind" } th scope="col" { "Victims" }
                        @for name in ["Began", "Lasted", "Ready after", "Failed", "Degraded"] {
                            th.number scope="col" { (name) }
                        }
                        th scope="col" { "Recovery" }
                    } }
                    tbody { @for fault in &run.faults { (fault_row(run, fault)) } }
                } }
            }
        }
    }
}

fn fault_row(run: &Run, fault: &FaultRun) -> Markup {
    let since_began = |at: Option<i64>| at.zip(fault.began_micros).map(|(at, began)| at - began);
    html! {
        tr {
            th.nowrap scope="row" { (fault.id) }
            td { (fault.kind) }
            td { (text::victims(&fault.victims)) }
            td.number { (words::seconds_or_dash(fault.began_micros)) }
            td.number { (words::seconds_or_dash(since_began(fault.ended_micros))) }
            td.number { (words::seconds_or_dash(since_began(fault.ready_micros))) }
            (count_cell(fault.requests_failed))
            (count_cell(fault.requests_degraded))
            td.nowrap[fault.prevented.is_none()] { (text::fault_outcome(run, fault)) }
        }
    }
}
