//! The instances, the promises, the evidence and the environment.

use maud::{Markup, html};

use super::count_cell;
use crate::verdict::{Evidence, InstanceRun, Run, words};

/// What happened to each instance.
pub(super) fn instances(run: &Run) -> Markup {
    html! {
        section {
            h2 { "Services" }
            div.scroll { table {
                caption { "What happened to each instance" }
                thead { tr {
                    th scope="col" { "Instance" }
                    @for name in ["Killed", "Paused", "Started again", "Ended by itself", "Ready after", "At most", "Peak memory"] {
                        th.number scope="col" { (name) }
                    }
                } }
                tbody { @for instance in &run.instances { (instance_row(instance)) } }
            } }
        }
    }
}

fn instance_row(instance: &InstanceRun) -> Markup {
    let mut ready = instance.ready_after_micros.clone();
    ready.sort_unstable();
    let median = ready.get(ready.len().saturating_sub(1) / 2);
    let time = |micros: Option<&i64>| {
        words::milliseconds_or_dash(micros.map(|micros| *micros as f64 / 1e3))
    };
    let memory = instance
        .peak_memory_bytes
        .map_or_else(words::dash, words::mebibytes);
    html! {
        tr {
            th.nowrap scope="row" { (instance.instance) }
            (count_cell(instance.kills))
            (count_cell(instance.pauses))
            (count_cell(instance.restarts))
            (count_cell(instance.unplanned_ends))
            td.number { (time(median)) }
            td.number { (time(ready.last())) }
            td.number { (memory) }
        }
    }
}

/// What was acknowledged, and whether it is still there.
pub(super) fn read_back(run: &Run) -> Markup {
    if run.read_back.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "Promises read back" }
            p { "What answers had acknowledged, asked for again after the load." }
            table {
                caption { "Promises by name" }
                thead { tr {
                    th scope="col" { "Promise" } th.number scope="col" { "Checked" }
                    th.number scope="col" { "Not kept" } th scope="col" { "Keys" }
                } }
                tbody { @for promises in &run.read_back { tr {
                    th scope="row" { (promises.name) }
                    @if promises.done {
                        (count_cell(promises.checked))
                        (count_cell(promises.missing_count))
                    } @else {
                        td.number colspan="2" { span.unsure { "not read back" } }
                    }
                    td { (promises.missing.iter().take(8).cloned().collect::<Vec<_>>().join(", ")) }
                } } }
            }
        }
    }
}

/// How far the evidence can be trusted, and where it comes from.
pub(super) fn evidence(run: &Run) -> Markup {
    let about = &run.about;
    let evidence = &run.evidence;
    let services: Vec<_> = about
        .services
        .iter()
        .map(|service| format!("{} × {}", service.replicas, service.name))
        .collect();
    html! {
        section {
            h2 { "Evidence and environment" }
            dl.environment {
                (item("Journal", &journal(evidence)))
                (item("Load generator", &generator(evidence)))
                (item("Load", &format!("{} of {}", words::seconds(run.load_ended_micros), words::seconds(about.duration_micros))))
                (item("Game day", &about.name))
                (item("Seed", &about.seed.to_string()))
                (item("Started", &words::moment(&about.started)))
                (item("Machine", &words::counted(u64::from(about.cores), "processor", "processors")))
                (item("Version", &about.program))
                (item("System", &services.join(", ")))
                @if let Some(variant) = &about.variant { (item("Variant", variant)) }
            }
        }
    }
}

fn item(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn journal(evidence: &Evidence) -> String {
    let lines = words::counted(evidence.lines, "line", "lines");
    let lost: u64 = evidence.lost.iter().map(|lost| lost.count).sum();
    match evidence.lines_promised {
        None => format!("{lines}, no end record"),
        Some(_) if lost > 0 => format!("{lines}, {} lost", words::count(lost)),
        Some(promised) if promised != evidence.lines => {
            format!("{lines} of {}", words::count(promised))
        }
        Some(_) => format!("{lines}, complete"),
    }
}

fn generator(evidence: &Evidence) -> String {
    evidence.generator.map_or_else(
        || "did not account for itself".to_owned(),
        |generator| {
            format!(
                "{} due, {} over 50 ms late, {} held back",
                words::count(generator.due),
                words::count(generator.late),
                words::counted(generator.capped, "journey", "journeys"),
            )
        },
    )
}
