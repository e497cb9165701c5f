//! Two runs side by side: the same seed, load and faults, with and without something.

use std::fmt::Write;

use maud::{Markup, html};

use super::html::{outcome_class, page, sign, time_line};
use super::markdown::escape;
use super::text;
use crate::verdict::{Latency, Numbers, Outcome, Run, Verdict, words};

/// One of the two sides.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// What it is called, such as `with middleware` or `bare`.
    pub name: &'a str,
    /// Its numbers.
    pub run: &'a Run,
    /// Its verdict.
    pub verdict: &'a Verdict,
}

/// Whether the first side passed and the second one failed: the difference is what was proved.
pub fn is_proof(first: Side<'_>, second: Side<'_>) -> bool {
    first.verdict.outcome == Outcome::Passed && second.verdict.outcome == Outcome::Failed
}

/// The comparison as text for a terminal.
pub fn block(first: Side<'_>, second: Side<'_>) -> String {
    let rows = rows(first, second);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let (name, left, right) = (width(0), width(1), width(2));
    let mut block = String::from("\n");
    for [what, one, other] in &rows {
        let line = format!("  {what:<name$}   {one:>left$}   {other:>right$}");
        let _ = writeln!(block, "{}", text::plain(line.trim_end()));
    }
    let _ = writeln!(block, "\n  {}", text::plain(&conclusion(first, second)));
    block
}

/// The comparison as Markdown.
pub fn markdown(first: Side<'_>, second: Side<'_>) -> String {
    let mut page = format!("# {}: side by side\n\n", escape(&first.run.about.title));
    let _ = writeln!(page, "**{}**\n", escape(&conclusion(first, second)));
    for (index, [what, one, other]) in rows(first, second).iter().enumerate() {
        let _ = writeln!(
            page,
            "| {} | {} | {} |",
            escape(what),
            escape(one),
            escape(other)
        );
        if index == 0 {
            page.push_str("| :--- | ---: | ---: |\n");
        }
    }
    page
}

/// The comparison as one HTML file, without anything from outside.
pub fn html(first: Side<'_>, second: Side<'_>) -> String {
    let title = format!("{}: side by side", first.run.about.title);
    let rows = rows(first, second);
    let body = html! {
        header {
            p.over { "Game day comparison · " (words::moment(&first.run.about.started)) " · seed " (first.run.about.seed) }
            h1 { (first.run.about.title) }
            p.proof { (conclusion(first, second)) }
        }
        main {
            div.sides {
                (side(first))
                (side(second))
            }
            section {
                h2 { "Side by side" }
                table {
                    caption { "The same seed, load, device and faults" }
                    @for (index, [what, one, other]) in rows.iter().enumerate() {
                        @if index == 0 {
                            thead { tr { th scope="col" {} th.number scope="col" { (one) } th.number scope="col" { (other) } } }
                        } @else {
                            tr { th scope="row" { (what) } td.number { (one) } td.number { (other) } }
                        }
                    }
                }
            }
            @for (index, side) in [first, second].into_iter().enumerate() {
                section {
                    h2 { "Time line " (side.name) }
                    (time_line::figure(side.run, &format!("side-{index}")))
                }
            }
        }
    };
    page(&title, body)
}

fn side(side: Side<'_>) -> Markup {
    html! {
        section {
            h2 { (side.name) }
            p.verdict.(outcome_class(side.verdict.outcome)) {
                (sign(side.verdict.outcome)) " " (side.verdict.outcome)
            }
            p.proof { (side.verdict.proof) "." }
        }
    }
}

/// `Users noticed 0 of 8,412 requests with middleware and 2,113 of 8,398 bare.`
fn conclusion(first: Side<'_>, second: Side<'_>) -> String {
    let noticed = |side: Side<'_>| {
        let total = &side.run.total;
        format!(
            "{} of {}",
            words::count(total.failed),
            words::count(total.requests)
        )
    };
    format!(
        "Users noticed {} requests {} and {} {}.",
        noticed(first),
        first.name,
        noticed(second),
        second.name,
    )
}

/// Rows of what is compared, the first side and the second; the first row holds the names.
fn rows(first: Side<'_>, second: Side<'_>) -> Vec<[String; 3]> {
    let row = |what: &str, value: &dyn Fn(Side<'_>) -> String| {
        [what.to_owned(), value(first), value(second)]
    };
    let number = |what: &str, value: fn(&Numbers) -> String| {
        [
            what.to_owned(),
            value(&first.run.total),
            value(&second.run.total),
        ]
    };
    let latency = |what: &str, pick: fn(&Latency) -> f64| {
        let value =
            |side: Side<'_>| words::milliseconds_or_dash(side.run.total.latency.as_ref().map(pick));
        [what.to_owned(), value(first), value(second)]
    };
    let mut rows = vec![
        row("", &|side| side.name.to_owned()),
        row("verdict", &|side| side.verdict.outcome.to_string()),
        number("requests", |total| words::count(total.requests)),
        number("failed", |total| words::count(total.failed)),
        number("degraded", |total| words::count(total.degraded)),
        number("yield", |total| words::percent_or_dash(total.yield_ratio)),
        number("first attempts", |total| {
            words::percent_or_dash(total.first_attempt_yield)
        }),
        number("harvest", |total| words::percent_or_dash(total.harvest)),
        latency("latency p50", |latency| latency.p50),
        latency("latency p99", |latency| latency.p99),
        latency("latency longest", |latency| latency.max),
        row("unexplained", &|side| {
            words::count(side.run.unexplained_failed + side.run.unexplained_degraded)
        }),
        row("instances killed", &|side| words::count(side.run.kills())),
        row("slowest recovery", &|side| {
            let recoveries = &side.run.recoveries;
            let all: Option<Vec<_>> = recoveries
                .iter()
                .map(|recovery| recovery.after_micros)
                .collect();
            all.map_or_else(
                || "not recovered".to_owned(),
                |all| words::seconds_or_dash(all.into_iter().max()),
            )
        }),
    ];
    rows.extend(
        first
            .run
            .faults
            .iter()
            .filter(|fault| fault.began_micros.is_some())
            .map(|fault| {
                let failed = |side: Side<'_>| {
                    let same = side.run.faults.iter().find(|other| other.id == fault.id);
                    same.map_or_else(words::dash, |fault| words::count(fault.requests_failed))
                };
                let victims = text::victims(&fault.victims);
                [
                    format!("failed under {} ({} {victims})", fault.id, fault.kind),
                    failed(first),
                    failed(second),
                ]
            }),
    );
    rows
}
