//! The verdict as a block of text that stays in the terminal's history.

use super::text;
use crate::schema::Phase;
use crate::verdict::{Outcome, RecoveryStatus, Run, StatementRun, StatementStatus, Verdict, words};

/// How many reasons the block names.
const MOST_REASONS: usize = 8;

/// The verdict block: a few lines with a line feed at the end of each. `colour` adds the escape
/// codes of a terminal.
pub fn block(run: &Run, verdict: &Verdict, colour: bool) -> String {
    let paint = Paint { colour };
    let mut lines = vec![
        String::new(),
        format!(
            "{}  {}",
            paint.outcome(verdict.outcome),
            paint.strong(&format!(
                "{}, seed {}",
                text::plain(&text::title(run)),
                run.about.seed
            ))
        ),
        format!("  {}", verdict.proof),
        String::new(),
    ];
    lines.extend(numbers(run));
    lines.push(String::new());
    lines.extend(steady_state(run, &paint));
    if !verdict.reasons.is_empty() {
        lines.push(String::new());
        lines.push(format!("  {}", paint.strong("why")));
        let shown = verdict.reasons.iter().take(MOST_REASONS);
        lines.extend(shown.map(|reason| format!("  - {}", text::plain(&reason.text))));
        let more = verdict.reasons.len().saturating_sub(MOST_REASONS);
        if more > 0 {
            lines.push(format!("  - and {more} more in the report"));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn numbers(run: &Run) -> Vec<String> {
    let total = &run.total;
    let row = |name: &str, value: String, rest: String| {
        format!("  {name:<12}{value:>9}   {rest}")
            .trim_end()
            .to_owned()
    };
    let latency = |pick: fn(&crate::verdict::Latency) -> f64| {
        words::milliseconds_or_dash(total.latency.as_ref().map(pick))
    };
    let mut rows = vec![
        row(
            "yield",
            words::percent_or_dash(total.yield_ratio),
            format!(
                "{} failed of {}, {} unexplained; first attempts {}",
                words::count(total.failed),
                words::counted(total.requests, "request", "requests"),
                words::count(run.unexplained_failed),
                words::percent_or_dash(total.first_attempt_yield),
            ),
        ),
        row(
            "harvest",
            words::percent_or_dash(total.harvest),
            format!(
                "{} degraded, {} unexplained",
                words::count(total.degraded),
                words::count(run.unexplained_degraded),
            ),
        ),
        row(
            "latency p99",
            latency(|latency| latency.p99),
            format!(
                "p50 {}, p95 {}, longest {}",
                latency(|latency| latency.p50),
                latency(|latency| latency.p95),
                latency(|latency| latency.max),
            ),
        ),
    ];
    rows.extend(recovery(run).map(|(value, rest)| row("recovery", value, rest)));
    rows.extend(run.read_back.iter().map(|promises| {
        let kept = promises.checked.saturating_sub(promises.missing_count);
        let rest = format!(
            "of {} {} kept",
            words::count(promises.checked),
            text::plain(&promises.name)
        );
        row("read back", words::count(kept), rest)
    }));
    rows
}

/// The slowest recovery and what was allowed.
fn recovery(run: &Run) -> Option<(String, String)> {
    let within = words::seconds(run.about.recovery_within_micros);
    let unseen = run
        .recoveries
        .iter()
        .filter(|recovery| recovery.status == RecoveryStatus::NotRecovered)
        .count();
    if unseen > 0 {
        return Some((
            "none".to_owned(),
            format!("{unseen} times not back when the load ended"),
        ));
    }
    let slowest = run
        .recoveries
        .iter()
        .filter_map(|recovery| recovery.after_micros)
        .max()?;
    Some((
        words::seconds(slowest),
        format!("the slowest; {within} allowed"),
    ))
}

fn steady_state(run: &Run, paint: &Paint) -> Vec<String> {
    let width = run
        .steady_state
        .iter()
        .map(|statement| statement.statement.id.chars().count())
        .max()
        .unwrap_or(0)
        .max("steady state".len());
    let mut rows = vec![format!(
        "  {:<width$}  {:<18}{:<18}{}",
        "steady state", "before", "during", "after"
    )];
    rows.extend(run.steady_state.iter().map(|statement| {
        let cells: String = [Phase::Before, Phase::During, Phase::After]
            .into_iter()
            .map(|phase| cell(statement, phase, paint))
            .collect();
        format!(
            "  {:<width$}  {cells}",
            text::plain(&statement.statement.id)
        )
        .trim_end()
        .to_owned()
    }));
    rows
}

fn cell(statement: &StatementRun, phase: Phase, paint: &Paint) -> String {
    let judged = statement.phases.iter().find(|judged| judged.phase == phase);
    let text = judged.map_or_else(words::dash, |judged| {
        text::judged(statement.statement.metric, judged)
    });
    let padding = " ".repeat(18_usize.saturating_sub(text.chars().count()));
    let status = judged.map(|judged| judged.status);
    format!("{}{padding}", paint.status(&text, status))
}

/// Colours, where they are wanted.
struct Paint {
    colour: bool,
}

impl Paint {
    fn paint(&self, codes: &str, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[{codes}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn strong(&self, text: &str) -> String {
        self.paint("1", text)
    }

    fn outcome(&self, outcome: Outcome) -> String {
        let codes = match outcome {
            Outcome::Passed => "1;30;42",
            Outcome::Failed => "1;37;41",
            Outcome::Aborted | Outcome::Inconclusive => "1;30;43",
        };
        let word = outcome.as_str().to_uppercase();
        if self.colour {
            self.paint(codes, &format!(" {word} "))
        } else {
            word
        }
    }

    fn status(&self, text: &str, status: Option<StatementStatus>) -> String {
        match status {
            Some(StatementStatus::Held) => self.paint("32", text),
            Some(StatementStatus::Broken) => self.paint("31", text),
            Some(StatementStatus::TooFewSamples) => self.paint("33", text),
            Some(StatementStatus::NotReached) | None => self.paint("2", text),
        }
    }
}
