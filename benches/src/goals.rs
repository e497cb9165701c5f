//! What the figures should be, and whether they are.

use crate::breakers::names as ours;
use crate::contender::Table;
use crate::floor;
use crate::parts;
use crate::rivals::names as rivals;
use crate::rows::Rows;
use crate::stacks;

/// One goal beside its figure.
pub struct Goal {
    pub what: String,
    pub limit: String,
    pub measured: String,
    pub is_met: bool,
}

pub fn all(rows: &Rows) -> Vec<Goal> {
    let mut goals = Vec::new();
    goals.extend(closed_with_latency(rows));
    goals.extend(closed_without_latency(rows));
    goals.extend(two_threads(rows));
    goals.extend(long_windows(rows));
    goals.extend(rejections(rows));
    goals.push(client(rows));
    goals.push(disabled_fault(rows));
    goals.push(allocations(rows));
    goals
}

fn closed(rows: &Rows, name: &str) -> f64 {
    rows.beyond_named(Table::Closed, name, 1)
}

/// The fastest of these.
fn fastest(rows: &Rows, names: &[String]) -> f64 {
    let figures = names.iter().map(|name| closed(rows, name));
    figures.fold(f64::INFINITY, f64::min)
}

/// The row of the service, and the row without a service around the call.
fn both(name: impl Into<String>) -> [String; 2] {
    let name = name.into();
    let by_handle = ours::by_handle(&name);
    [name, by_handle]
}

fn closed_with_latency(rows: &Rows) -> Vec<Goal> {
    let limit = rows.median(Table::Floor, floor::LATENCY, 1) + 15.0;
    let rival = fastest(
        rows,
        &[
            rivals::TOWER_RESILIENCE.into(),
            rivals::tower_resilience(100),
            rivals::tower_resilience(6_000),
        ],
    );
    let goal = |name: String| {
        let figure = closed(rows, &name);
        Goal {
            what: format!("closed, latency tracked, 1 thread: {name}"),
            limit: format!(
                "≤ floor + 15 = {limit:.0} ns, below every rival that tracks it ({rival:.0})"
            ),
            measured: format!("{figure:.0} ns"),
            is_met: figure <= limit && figure < rival,
        }
    };
    both(ours::latency(100)).map(goal).into()
}

fn closed_without_latency(rows: &Rows) -> Vec<Goal> {
    let rival = fastest(
        rows,
        &[
            rivals::FAILSAFE.into(),
            rivals::recloser(100),
            rivals::recloser(6_000),
        ],
    );
    let goal = |name: String| {
        let figure = closed(rows, &name);
        Goal {
            what: format!("closed, no latency, 1 thread: {name}"),
            limit: format!("≤ 15 ns, below failsafe and recloser ({rival:.1})"),
            measured: format!("{figure:.1} ns"),
            is_met: figure <= 15.0 && figure < rival,
        }
    };
    let names = both(ours::count(100)).into_iter();
    names.chain(both(ours::CONSECUTIVE)).map(goal).collect()
}

fn two_threads(rows: &Rows) -> Vec<Goal> {
    let goal = |name: String| {
        let [one, two] = [1, 2].map(|threads| rows.beyond_named(Table::Closed, &name, threads));
        Goal {
            what: format!("2 threads on one breaker against 1: {name}"),
            limit: "≤ 2×".into(),
            measured: format!("{two:.0} / {one:.0} ns = {:.2}×", two / one),
            is_met: two / one <= 2.0,
        }
    };
    [
        ours::latency(100),
        ours::count(100),
        ours::CONSECUTIVE.into(),
    ]
    .map(goal)
    .into()
}

fn long_windows(rows: &Rows) -> Vec<Goal> {
    let goal = |name: fn(u32) -> String| {
        let [short, long] = [100, 6_000].map(|calls| closed(rows, &name(calls)));
        Goal {
            what: format!("{} against 100", name(6_000)),
            limit: "≤ 1.1×".into(),
            measured: format!("{long:.0} / {short:.0} ns = {:.2}×", long / short),
            is_met: long / short <= 1.1,
        }
    };
    vec![goal(ours::latency), goal(ours::count)]
}

fn rejections(rows: &Rows) -> Vec<Goal> {
    let limit = rows.median(Table::Floor, floor::CLOCK, 1) + 20.0;
    let goal = |name: String| {
        let figure = rows.beyond_named(Table::Open, &name, 1);
        let allocations = rows.allocations(Table::Open, &name);
        Goal {
            what: format!("rejection while open: {name}"),
            limit: format!("≤ clock read + 20 = {limit:.0} ns, no allocation"),
            measured: format!("{figure:.0} ns, {allocations} allocations"),
            is_met: figure <= limit && allocations == 0.0,
        }
    };
    both(ours::latency(100)).map(goal).into()
}

fn client(rows: &Rows) -> Goal {
    let figure = rows.beyond_named(Table::Client, stacks::CLIENT, 1);
    Goal {
        what: "client stack over HTTP types, happy path".into(),
        limit: "≤ 700 ns".into(),
        measured: format!("{figure:.0} ns"),
        is_met: figure <= 700.0,
    }
}

fn disabled_fault(rows: &Rows) -> Goal {
    let figure = rows.beyond_named(Table::Parts, parts::FAULT, 1);
    Goal {
        what: "disabled fault layer".into(),
        limit: "≤ 2 ns".into(),
        measured: format!("{figure:.1} ns"),
        is_met: figure <= 2.0,
    }
}

fn allocations(rows: &Rows) -> Goal {
    let ours = rows.of(Table::Parts).filter_map(|row| {
        let (part, _) = row.name.split_once(": resilience")?;
        Some((part, row.allocations.count))
    });
    let (none, some): (Vec<_>, Vec<_>) = ours.partition(|(_, count)| *count == 0.0);
    let none: Vec<&str> = none.into_iter().map(|(part, _)| part).collect();
    let some: Vec<String> = some
        .into_iter()
        .map(|(part, count)| format!("{part} {count}"))
        .collect();
    Goal {
        what: "allocations of the single parts, none of which is about headers".into(),
        limit: "0".into(),
        measured: format!("0: {}; more: {}", none.join(", "), some.join(", ")),
        is_met: some.is_empty(),
    }
}
