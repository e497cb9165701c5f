//! The report, as Markdown.

use std::fmt::Write;

use crate::contender::Table;
use crate::rows::{Row, Rows};
use crate::sites::Site;
use crate::{goals, machine, sites};

/// What the report needs beside the figures.
pub struct Run<'a> {
    pub date: &'a str,
    pub rounds: usize,
    /// The load of the machine before the run.
    pub load: String,
    pub sites: Vec<Site>,
}

pub fn markdown(rows: &Rows, run: &Run<'_>) -> String {
    let mut out = head(run);
    goals_table(rows, &mut out);
    out.push_str(&tables(rows));
    allocations(&run.sites, &mut out);
    out
}

/// The figures alone.
pub fn tables(rows: &Rows) -> String {
    let mut out = String::new();
    for table in Table::ALL {
        if rows.of(table).next().is_some() {
            figures(rows, table, &mut out);
        }
    }
    out
}

fn head(run: &Run<'_>) -> String {
    let Run {
        date, rounds, load, ..
    } = run;
    format!(
        "# Performance\n\n\
         Written by `cargo xtask bench` on {date}; {machine}; load of the machine before the run: \
         {load}. Peers: {peers}.\n\n\
         Nanoseconds per call of one thread: the median of {rounds} interleaved rounds, each with \
         a fresh instance, and the first and the third quartile. With 2 threads both call the \
         same instance all the time. *Beyond* is the median of what a row took longer than the \
         bare call in the same round. *Promises* says what is switched on: who tracks latency \
         reads the clock twice. *By handle* means without a Tower service around the call, as \
         `failsafe` and `recloser` are used. Allocations per call are counted in a run of their \
         own, since counting takes time. The `release` profile with thin LTO.\n\n\
         Why goals are missed: [where the time goes](performance-profile.md).\n\n",
        machine = machine::describe(),
        peers = machine::peers(),
    )
}

fn goals_table(rows: &Rows, out: &mut String) {
    out.push_str("## Goals\n\nAll beyond the bare call.\n\n");
    out.push_str("| what | goal | measured | met |\n|---|---|---:|---|\n");
    for goal in goals::all(rows) {
        let met = if goal.is_met { "yes" } else { "**no**" };
        let _ = writeln!(
            out,
            "| {} | {} | {} | {met} |",
            goal.what, goal.limit, goal.measured
        );
    }
}

fn figures(rows: &Rows, table: Table, out: &mut String) {
    let _ = write!(
        out,
        "\n## {}\n\n\
         | what | promises | threads | ns | quartiles | beyond | allocations | bytes |\n\
         |---|---|---:|---:|---:|---:|---:|---:|\n",
        table.title()
    );
    for row in rows.of(table) {
        let (low, high) = (row.samples.at(0.25), row.samples.at(0.75));
        let beyond = rows
            .beyond(row)
            .map_or_else(String::new, |beyond| format!("{beyond:.1}"));
        let Row {
            name,
            promises,
            threads,
            samples,
            allocations,
            ..
        } = row;
        let _ = writeln!(
            out,
            "| {name} | {promises} | {threads} | {:.1} | {low:.1}–{high:.1} | {beyond} | {} | {:.0} |",
            samples.median(),
            allocations.count,
            allocations.bytes
        );
    }
}

fn allocations(sites: &[Site], out: &mut String) {
    out.push_str(
        "\n## Allocations of the client stack\n\n\
         Of one call on the happy path, the largest first: where, and why it is worth its cost.\n\n\
         | per call | bytes | where | why |\n|---:|---:|---|---|\n",
    );
    let mut sorted: Vec<&Site> = sites.iter().collect();
    sorted.sort_by(|one, other| other.bytes.total_cmp(&one.bytes));
    for site in sorted {
        let why = sites::reason(site).unwrap_or("**no reason is given**");
        let _ = writeln!(
            out,
            "| {} | {:.0} | `{}` | {why} |",
            site.count, site.bytes, site.place
        );
    }
}
