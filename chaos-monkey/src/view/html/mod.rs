//! `report.html`: the report that a team shows. One file without anything from outside; nothing
//! in it needs a script; readable in the dark, on paper and by a screen reader.

mod chart;
mod figures;
mod lanes;
mod services;
mod tables;
pub(super) mod time_line;
mod trouble;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::text;
use crate::verdict::{Outcome, Run, Verdict, words};

const STYLE: &str = include_str!("style.css");

/// The report as one HTML file.
pub fn html(run: &Run, verdict: &Verdict) -> String {
    let title = format!("{}: {}", verdict.outcome, text::title(run));
    let body = html! {
        (head(run, verdict))
        main {
            (figures::figures(run))
            (reasons(verdict))
            (time_line::section(run))
            (tables::steady_state(run))
            (tables::numbers(run))
            (trouble::failures(run))
            (trouble::degradations(run))
            (tables::faults(run))
            (services::instances(run))
            (services::read_back(run))
            (services::evidence(run))
        }
        footer {
            p {
                "Yield is the share of user requests that got a usable answer; harvest is how complete "
                "those answers were. Latency counts from the moment at which a request should have been "
                "sent. Every number here is derived from the journal of the run and explained in "
                code { "docs/verdict.md" } "."
            }
        }
    };
    page(&title, body)
}

/// A page with the style of all reports.
pub(super) fn page(title: &str, body: Markup) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    };
    let mut text = markup.into_string();
    text.push('\n');
    text
}

fn head(run: &Run, verdict: &Verdict) -> Markup {
    html! {
        header {
            p.over { "Game day report · " (words::moment(&run.about.started)) " · seed " (run.about.seed) }
            h1 { (text::title(run)) }
            p.verdict.(outcome_class(verdict.outcome)) { (sign(verdict.outcome)) " " (verdict.outcome) }
            p.proof { (verdict.proof) "." }
            @if !run.about.hypothesis.is_empty() {
                p.hypothesis { "Hypothesis: " (run.about.hypothesis) }
            }
        }
    }
}

/// The class that colours an outcome.
pub(super) const fn outcome_class(outcome: Outcome) -> &'static str {
    outcome.as_str()
}

/// A sign for an outcome, so that nobody depends on its colour.
pub(super) const fn sign(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "✓",
        Outcome::Failed => "✗",
        Outcome::Aborted => "■",
        Outcome::Inconclusive => "?",
    }
}

fn reasons(verdict: &Verdict) -> Markup {
    if verdict.reasons.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "Why" }
            ul.reasons {
                @for reason in &verdict.reasons {
                    li {
                        span.kind.(reason_class(reason.outcome)) { (reason.outcome) }
                        span { (reason.text) }
                    }
                }
            }
        }
    }
}

const fn reason_class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Failed => "failed-text",
        outcome => outcome.as_str(),
    }
}

/// A cell with a count; zeros step back.
pub(super) fn count_cell(number: u64) -> Markup {
    html! { td.number.zero[number == 0] { (words::count(number)) } }
}
