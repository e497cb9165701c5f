//! `summary.md`: the verdict for a pull request or a chat.

use std::fmt::Write;

use super::text;
use crate::schema::Phase;
use crate::verdict::{Numbers, Outcome, Run, Verdict, words};

/// Faults beyond this many are counted and not listed.
const MOST_FAULTS: usize = 60;

/// The summary as Markdown.
pub fn markdown(run: &Run, verdict: &Verdict) -> String {
    let mut page = String::new();
    let mut line = |text: &str| {
        page.push_str(text);
        page.push('\n');
    };
    line(&format!(
        "# {} {}: {}",
        sign(verdict.outcome),
        verdict.outcome,
        escape(&text::title(run))
    ));
    line("");
    line(&format!("**{}.**", escape(&verdict.proof)));
    line("");
    if !verdict.reasons.is_empty() {
        for reason in &verdict.reasons {
            line(&format!("- {}: {}", reason.outcome, escape(&reason.text)));
        }
        line("");
    }
    line(&format!("> {}", escape(&run.about.hypothesis)));
    for section in [
        numbers(run),
        steady_state(run),
        faults(run),
        causes(run),
        degradations(run),
        read_back(run),
    ] {
        page.push_str(&section);
    }
    let about = &run.about;
    let _ = writeln!(
        page,
        "\nSeed {}, {} processors, started {}, version {}. Every number is explained in `docs/verdict.md`.",
        about.seed,
        about.cores,
        escape(&words::moment(&about.started)),
        escape(&about.program),
    );
    page
}

const fn sign(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "✅",
        Outcome::Failed => "❌",
        Outcome::Aborted => "🛑",
        Outcome::Inconclusive => "❔",
    }
}

fn numbers(run: &Run) -> String {
    let mut rows = vec![number_row("all", &run.total)];
    rows.extend(
        run.phases
            .iter()
            .map(|phase| number_row(words::phase(phase.phase), &phase.numbers)),
    );
    rows.extend(
        run.journeys
            .iter()
            .map(|journey| number_row(&journey.name, &journey.numbers)),
    );
    table(
        "What users got",
        &[
            "",
            "-requests",
            "-failed",
            "-degraded",
            "-yield",
            "-first attempts",
            "-harvest",
            "-p50",
            "-p95",
            "-p99",
            "-longest",
        ],
        rows,
    )
}

fn number_row(name: &str, numbers: &Numbers) -> Vec<String> {
    let latency = |pick: fn(&crate::verdict::Latency) -> f64| {
        words::milliseconds_or_dash(numbers.latency.as_ref().map(pick))
    };
    vec![
        name.to_owned(),
        words::count(numbers.requests),
        words::count(numbers.failed),
        words::count(numbers.degraded),
        words::percent_or_dash(numbers.yield_ratio),
        words::percent_or_dash(numbers.first_attempt_yield),
        words::percent_or_dash(numbers.harvest),
        latency(|latency| latency.p50),
        latency(|latency| latency.p95),
        latency(|latency| latency.p99),
        latency(|latency| latency.max),
    ]
}

fn steady_state(run: &Run) -> String {
    let rows = run.steady_state.iter().map(|statement| {
        let metric = statement.statement.metric;
        let cells = [Phase::Before, Phase::During, Phase::After].map(|phase| {
            let judged = statement.phases.iter().find(|judged| judged.phase == phase);
            judged.map_or_else(words::dash, |judged| {
                format!(
                    "{} ({})",
                    text::judged(metric, judged),
                    words::bound(metric, judged.bound)
                )
            })
        });
        let mut row = vec![statement.statement.id.clone(), text::measured(statement)];
        row.extend(cells);
        row
    });
    table(
        "Steady state",
        &["statement", "measured", "before", "during", "after"],
        rows.collect(),
    )
}

fn faults(run: &Run) -> String {
    let rows = run.faults.iter().take(MOST_FAULTS).map(|fault| {
        vec![
            fault.id.clone(),
            fault.kind.clone(),
            text::victims(&fault.victims),
            words::seconds_or_dash(fault.began_micros.or(fault.planned_micros)),
            words::seconds_or_dash(fault.ended_micros),
            words::count(fault.requests_failed),
            words::count(fault.requests_degraded),
            text::fault_outcome(run, fault),
        ]
    });
    let mut section = table(
        "Faults",
        &[
            "fault",
            "kind",
            "victims",
            "-began",
            "-ended",
            "-failed",
            "-degraded",
            "outcome",
        ],
        rows.collect(),
    );
    let more = run.faults.len().saturating_sub(MOST_FAULTS);
    if more > 0 {
        let _ = writeln!(section, "\nand {more} more");
    }
    section
}

fn causes(run: &Run) -> String {
    let rows = run.failed_by_cause.iter();
    table(
        "Failed requests",
        &["cause", "-requests"],
        rows.map(|count| vec![count.cause.clone(), words::count(count.requests)])
            .collect(),
    )
}

fn degradations(run: &Run) -> String {
    let rows = run.degradations.iter().map(|count| {
        vec![
            count.dependency.clone(),
            count.reason.clone(),
            count.stood_in.clone(),
            words::count(count.requests),
            words::percent(count.mean_weight),
        ]
    });
    table(
        "What was replaced",
        &[
            "dependency",
            "reason",
            "stood in",
            "-answers",
            "-share of the answer",
        ],
        rows.collect(),
    )
}

fn read_back(run: &Run) -> String {
    let rows = run.read_back.iter().map(|promises| {
        vec![
            promises.name.clone(),
            words::count(promises.checked),
            words::count(promises.missing_count),
        ]
    });
    table(
        "Promises read back",
        &["promise", "-checked", "-not kept"],
        rows.collect(),
    )
}

/// A section with a table, or nothing without rows. A heading that begins with `-` is a column of
/// numbers, aligned to the right.
fn table(title: &str, headings: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut section = format!("\n## {title}\n\n");
    let names: Vec<_> = headings
        .iter()
        .map(|heading| heading.trim_start_matches('-'))
        .collect();
    let rules: Vec<_> = headings
        .iter()
        .map(|heading| {
            if heading.starts_with('-') {
                "---:"
            } else {
                ":---"
            }
        })
        .collect();
    let _ = writeln!(
        section,
        "| {} |\n| {} |",
        names.join(" | "),
        rules.join(" | ")
    );
    for row in rows {
        let cells: Vec<_> = row.iter().map(|cell| escape(cell)).collect();
        let _ = writeln!(section, "| {} |", cells.join(" | "));
    }
    section
}

/// Text that means nothing to Markdown or HTML, on one line.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' => {
                escaped.push('\\');
                escaped.push(character);
            }
            character if character.is_control() => escaped.push(' '),
            character => escaped.push(character),
        }
    }
    escaped
}
