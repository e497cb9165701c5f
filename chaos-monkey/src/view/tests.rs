use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::{Value, json};

use super::compare::{self, Side};
use super::*;
use crate::journal::{Cause, Record};
use crate::verdict::synthetic::{Kind, MILLISECOND, POPULAR, SECOND, Synthetic, instance, passing};
use crate::verdict::{Fold, Run, Verdict, fold, judge};

/// What nobody should call anything.
const HOSTILE: &str = "<script>alert('&')</script>\"|`]]>\u{1b}[31m";

fn judged(journal: &Synthetic) -> (Run, Verdict) {
    let run = fold(&journal.entries());
    let verdict = judge(&run);
    (run, verdict)
}

fn failing() -> Synthetic {
    let mut journal = passing().variant("bare");
    for index in 0..60 {
        journal.request(
            9 * SECOND + index * MILLISECOND,
            20 * MILLISECOND,
            Kind::Failed(Cause::Status(502)),
        );
    }
    journal.add(
        13 * SECOND,
        Record::InstanceDown {
            instance: instance("gateway/0"),
            pid: 1,
            how: "exit 1".to_owned(),
            fault: None,
        },
    );
    journal
}

fn hostile() -> Synthetic {
    let mut journal = passing().variant(HOSTILE);
    for (key, value) in [
        ("/title", HOSTILE),
        ("/hypothesis", HOSTILE),
        ("/steadyState/0/id", HOSTILE),
    ] {
        journal = journal.set(key, json!(value));
    }
    journal.plan(HOSTILE, HOSTILE, 5 * SECOND, &["gateway/0"]);
    journal.add(
        5 * SECOND,
        Record::FaultVetoed {
            fault: HOSTILE.to_owned(),
            guard: HOSTILE.to_owned(),
            reason: HOSTILE.to_owned(),
        },
    );
    journal.add(
        6 * SECOND,
        Record::FaultBegan {
            fault: format!("{HOSTILE}2"),
            kind: HOSTILE.to_owned(),
            victims: vec![instance(&format!("{HOSTILE}/7").replace("</", "<"))],
        },
    );
    journal.add(
        7 * SECOND,
        Record::Interrupted {
            by: HOSTILE.to_owned(),
        },
    );
    let event = json!({
        "event": "breakerTransition", "client": HOSTILE, "from": HOSTILE, "to": HOSTILE, "reason": HOSTILE,
    });
    journal.add(
        7 * SECOND,
        Record::ServiceEvent {
            instance: instance("gateway/0"),
            event,
        },
    );
    journal.add(
        20 * SECOND + 300,
        Record::ReadBack {
            name: HOSTILE.to_owned(),
            checked: 1,
            missing: vec![HOSTILE.to_owned()],
            missing_count: 1,
        },
    );
    journal
}

const FILES: [&str; 4] = ["verdict.json", "summary.md", "junit.xml", "report.html"];

// === Files ===

#[test]
fn views_made_again_from_the_journal_are_identical() {
    for journal in [passing(), failing(), hostile()] {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write_all(first.path(), &journal.entries()).unwrap();
        std::fs::write(second.path().join(JOURNAL_FILE), journal.text()).unwrap();
        rebuild(second.path()).unwrap();
        for file in FILES {
            let read = |folder: &std::path::Path| std::fs::read(folder.join(file)).unwrap();
            assert_eq!(read(first.path()), read(second.path()), "{file}");
            assert!(!read(first.path()).is_empty(), "{file}");
        }
    }
}

#[test]
fn no_view_tells_where_it_was_made() {
    let folder = tempfile::tempdir().unwrap();
    write_all(folder.path(), &passing().entries()).unwrap();
    let path = folder.path().to_str().unwrap();
    for file in FILES {
        assert!(
            !std::fs::read_to_string(folder.path().join(file))
                .unwrap()
                .contains(path)
        );
    }
}

#[test]
fn a_folder_without_a_journal_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = rebuild(folder.path()).unwrap_err().to_string();
    assert!(error.contains("journal.jsonl"), "{error}");
}

// === JSON ===

#[test]
fn the_json_holds_the_verdict_and_its_numbers() {
    let (run, verdict) = judged(&failing());
    let value: Value = serde_json::from_str(&json(&run, &verdict)).unwrap();
    assert_eq!(value["version"], 1);
    assert_eq!(value["outcome"], "failed");
    assert_eq!(value["about"]["variant"], "bare");
    assert_eq!(value["total"]["failed"], 60);
    assert_eq!(value["total"]["requests"], 2_061);
    assert_eq!(
        value["failedByCause"],
        json!([{ "cause": "status 502", "requests": 60 }])
    );
    assert_eq!(value["degradations"][0]["stoodIn"], "popular");
    assert_eq!(value["steadyState"][0]["phases"][1]["status"], "broken");
    assert_eq!(value["faults"][2]["recoveredAfterMicros"], 1_000_000);
    assert_eq!(value["faults"][2]["requestsFailed"], 60);
    assert_eq!(value["instances"][0]["unplannedEnds"], 1);
    assert_eq!(value["evidence"]["generator"]["late"], 0);
    assert!(value["total"]["yield"].as_f64().unwrap() < 1.0);
    assert!(value["reasons"].as_array().unwrap().len() >= 2);
}

#[test]
fn a_verdict_can_be_read_back_from_its_json() {
    let (run, verdict) = judged(&failing());
    let read: Verdict = serde_json::from_str(&json(&run, &verdict)).unwrap();
    assert_eq!(read, verdict);
}

// === HTML ===

#[test]
fn hostile_names_mean_nothing_in_html() {
    let (run, verdict) = judged(&hostile());
    let side = Side {
        name: HOSTILE,
        run: &run,
        verdict: &verdict,
    };
    for page in [html(&run, &verdict), compare::html(side, side)] {
        assert!(page.contains("&lt;script&gt;alert("));
        assert!(!page.contains("<script"));
        assert!(!page.contains("alert('&')"));
    }
}

#[test]
fn the_report_needs_nothing_from_outside() {
    for journal in [passing(), failing()] {
        let (run, verdict) = judged(&journal);
        let page = html(&run, &verdict);
        for outside in [
            "http://", "https://", "<script", "src=", "@import", "url(", "<link",
        ] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}

#[test]
fn the_report_can_be_read_aloud() {
    let (run, verdict) = judged(&failing());
    let page = html(&run, &verdict);
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"));
    assert_eq!(page.matches("<h1>").count(), 1);
    assert_eq!(
        page.matches("<table>").count(),
        page.matches("<caption>").count()
    );
    assert!(page.contains("role=\"img\" aria-labelledby=\"run-title run-description\""));
    assert!(page.contains("kill of gateway/1 at 4.0 s; kill of metadata/0 at 6.0 s; outage of"));
    assert!(page.contains("<details>"));
}

#[test]
fn the_report_tells_what_failed_where_and_under_what() {
    let (run, verdict) = judged(&failing());
    let page = html(&run, &verdict);
    for part in [
        "4 instances of 3 services were killed; users noticed 60 of 2,061 requests.",
        "45 status 502",
        "gateway/0 ended by itself (exit 1) at 13.0 s",
        "gone",
        "2026-01-02 03:04:05 UTC",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn a_run_without_anything_still_has_every_view() {
    let run = fold(&[]);
    let verdict = judge(&run);
    assert!(html(&run, &verdict).contains("not a single user request"));
    assert!(markdown(&run, &verdict).contains("inconclusive"));
    assert!(junit(&run, &verdict).contains("the journal has no first line"));
    assert!(block(&run, &verdict, false).starts_with("\nINCONCLUSIVE"));
}

// === JUnit and Markdown ===

#[test]
fn junit_has_a_case_for_each_thing_that_can_go_wrong() {
    let (run, verdict) = judged(&passing());
    let xml = junit(&run, &verdict);
    for case in [
        "answers before",
        "answers during",
        "complete after",
        "recovery from gone",
        "gateway/0 did not end by itself",
        "the journal is complete",
    ] {
        assert!(xml.contains(&format!("name=\"{case}\"")), "{case}: {xml}");
    }
    assert!(xml.contains("failures=\"0\" errors=\"0\""), "{xml}");
    assert!(xml.contains("judged together with gone"));
    assert!(!xml.contains("timestamp"));
}

#[test]
fn junit_passes_if_and_only_if_the_verdict_does() {
    let promises = json!({
        "positions": { "request": { "path": "/positions" }, "value": { "json": "/sequence" } },
    });
    let short = {
        let mut journal = Synthetic::new();
        journal.kill("kills-1", 18 * SECOND, "gateway/1");
        journal
            .requests(0, 20 * SECOND, Kind::Full)
            .honest_generator();
        journal
    };
    let unbroken = {
        let mut journal = Synthetic::new();
        journal.plan("kills-1", "kill", SECOND, &["gateway/0"]);
        journal
            .requests(0, 20 * SECOND, Kind::Full)
            .honest_generator();
        journal
    };
    for journal in [
        passing(),
        failing(),
        hostile(),
        short,
        unbroken,
        passing().with("readBack", promises),
        passing().set("/steadyState/0/minimumSamples", json!(10_000)),
        passing().set("/recovery/within", json!("100ms")),
        Synthetic::new(),
    ] {
        let (run, verdict) = judged(&journal);
        let is_green = junit(&run, &verdict).contains("failures=\"0\" errors=\"0\"");
        assert_eq!(is_green, verdict.reasons.is_empty(), "{verdict:#?}");
    }
}

#[test]
fn hostile_names_stay_in_their_place() {
    let (run, verdict) = judged(&hostile());
    let xml = junit(&run, &verdict);
    assert!(!xml.contains("<script") && !xml.contains('\u{1b}'));
    let summary = markdown(&run, &verdict);
    assert!(!summary.contains("<script") && !summary.contains('\u{1b}'));
    let rows: Vec<_> = summary
        .lines()
        .filter(|line| line.contains("script"))
        .collect();
    assert!(rows.iter().all(|row| !row.contains("\"|`")));
    let plain = block(&run, &verdict, false);
    let side = Side {
        name: HOSTILE,
        run: &run,
        verdict: &verdict,
    };
    let mut fold = Fold::new();
    for entry in hostile()
        .entries()
        .iter()
        .filter(|entry| entry.at < 9 * SECOND)
    {
        fold.push(entry);
    }
    let line = lines::line(&fold.live(9 * SECOND));
    for text in [plain, compare::block(side, side), line] {
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}

// === Terminal ===

#[test]
fn the_block_says_what_counts() {
    let (run, verdict) = judged(&passing());
    let text = block(&run, &verdict, false);
    let expected = "
PASSED  Synthetic game day, seed 7
  4 instances of 3 services were killed; users noticed 0 of 2,001 requests

  yield           100 %   0 failed of 2,001 requests, 0 unexplained; first attempts 99.95 %
  harvest       95.50 %   300 degraded, 0 unexplained
  latency p99    5.0 ms   p50 5.0 ms, p95 5.0 ms, longest 30.0 ms
  recovery        1.0 s   the slowest; 5.0 s allowed

  steady state  before            during            after
  answers       ✓ 100 %           ✓ 100 %           ✓ 100 %
  complete      ✓ 100 %           –                 ✓ 100 %
";
    assert_eq!(text, expected);
    let coloured = block(&run, &verdict, true);
    assert!(coloured.contains("\u{1b}[1;30;42m PASSED \u{1b}[0m"));
}

fn half_way() -> Fold {
    let mut fold = Fold::new();
    for entry in passing()
        .entries()
        .iter()
        .filter(|entry| entry.at < 9 * SECOND)
    {
        fold.push(entry);
    }
    fold
}

#[test]
fn a_line_tells_the_present_moment() {
    let line = lines::line(&half_way().live(9 * SECOND));
    assert_eq!(
        line,
        " 9.0 s / 20.0 s  before   100 requests/s  yield 100 %  harvest 94.01 %  p99 5.0 ms  up 4/6  \
         breaking: outage recommendations (2 instances)"
    );
    assert_eq!(lines::line(&Fold::new().live(0)), "starting");
    let early = lines::line(&half_way().live(-1));
    assert_eq!(early, "starting  4 of 6 instances ready");
}

#[test]
fn the_live_display_shows_services_numbers_and_what_is_broken() {
    let mut terminal = Terminal::new(TestBackend::new(100, 24)).unwrap();
    let live = half_way().live(9 * SECOND);
    terminal.draw(|frame| terminal::draw(frame, &live)).unwrap();
    let screen = terminal.backend().to_string();
    for part in [
        "Synthetic game day",
        "11.0 s left",
        "recommendations  ○ down 1.0 s",
        "gateway          ● up",
        "outage recommendations (2 instances)",
        "breaker to recommendations open",
        "yield",
    ] {
        assert!(screen.contains(part), "{part}\n{screen}");
    }
}

#[test]
fn the_live_display_fits_any_terminal() {
    let live = half_way().live(9 * SECOND);
    for (width, height) in [(1, 1), (20, 5), (80, 24), (300, 100)] {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| terminal::draw(frame, &live)).unwrap();
        terminal
            .draw(|frame| terminal::draw(frame, &Fold::new().live(-5)))
            .unwrap();
    }
}

// === Comparison ===

#[test]
fn two_runs_stand_side_by_side() {
    let (with, without) = (judged(&passing()), judged(&failing()));
    let first = Side {
        name: "with middleware",
        run: &with.0,
        verdict: &with.1,
    };
    let second = Side {
        name: "bare",
        run: &without.0,
        verdict: &without.1,
    };
    assert!(compare::is_proof(first, second));
    assert!(!compare::is_proof(second, first));
    assert!(!compare::is_proof(first, first));
    let text = compare::block(first, second);
    assert!(
        text.contains("Users noticed 0 of 2,001 requests with middleware and 60 of 2,061 bare.")
    );
    let page = compare::html(first, second);
    for id in ["side-0-title", "side-1-title"] {
        assert_eq!(page.matches(&format!("id=\"{id}\"")).count(), 1);
    }
    let summary = compare::markdown(first, second);
    assert!(
        summary.contains("| verdict | passed | failed |"),
        "{summary}"
    );
}

#[test]
fn a_long_run_is_drawn_with_few_columns() {
    let mut journal = Synthetic::new().set("/timeline/duration", json!("3600s"));
    for second in 0..3_600 {
        journal.request(second * SECOND, 5 * MILLISECOND, Kind::Degraded(POPULAR));
    }
    journal.honest_generator();
    journal.add(
        3_601 * SECOND,
        Record::Generator {
            due: 3_600,
            late: 0,
            capped: 0,
        },
    );
    let (run, verdict) = judged(&journal);
    assert_eq!(run.slots.len(), 36_000);
    assert!(html(&run, &verdict).len() < 300_000);
}
