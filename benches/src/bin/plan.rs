//! How long a plan takes over a hundred thousand pods, ten to a ReplicaSet.

use std::error::Error;
use std::fmt::Write as _;

use chaos_monkey::agent::plan::plan;
use chaos_monkey::agent::{Rules, snapshot};
use chaos_monkey::schema::{AgentSpec, OptIn};
use tokio::time::Instant;

const NAMESPACES: usize = 100;
const SETS: usize = 10_000;
const PODS: usize = 10;
const ROUNDS: usize = 11;

fn main() -> Result<(), Box<dyn Error>> {
    let cluster = snapshot::read(&crowd())?;
    let rules = Rules::of(&AgentSpec {
        opt_in: OptIn::None,
        ..AgentSpec::default()
    });
    let rules = rules.map_err(|refused| format!("{refused:?}"))?;
    let from = "2026-03-23".parse()?;
    println!(
        "| plan over {} pods | kills in it | median of {ROUNDS} | slowest | goal |",
        SETS * PODS
    );
    println!("|---|---:|---:|---:|---:|");
    for (days, goal) in [(1, "≤ 50 ms"), (30, "")] {
        let mut kills = 0;
        let mut rounds: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let begun = Instant::now();
                kills = plan(&cluster, &rules, 7, from, days).len();
                begun.elapsed().as_secs_f64() * 1_000.0
            })
            .collect();
        rounds.sort_by(f64::total_cmp);
        let (median, slowest) = (rounds[ROUNDS / 2], rounds[ROUNDS - 1]);
        println!("| {days} days | {kills} | {median:.0} ms | {slowest:.0} ms | {goal} |");
    }
    Ok(())
}

/// What kubectl prints of such a cluster.
fn crowd() -> String {
    let created = "2026-01-01T00:00:00Z";
    let mut items = String::new();
    for namespace in 0..NAMESPACES {
        // Writing to a string cannot fail.
        let _ = write!(
            items,
            r#"{{"kind":"Namespace","metadata":{{"name":"crowd-{namespace}"}}}},"#
        );
    }
    for set in 0..SETS {
        let namespace = set % NAMESPACES;
        let _ = write!(
            items,
            r#"{{"kind":"ReplicaSet","metadata":{{"name":"set-{set}","namespace":"crowd-{namespace}","uid":"s-{set}"}}}},"#
        );
        for pod in 0..PODS {
            let _ = write!(
                items,
                r#"{{"kind":"Pod","metadata":{{"name":"set-{set}-{pod}","namespace":"crowd-{namespace}","uid":"p-{set}-{pod}","creationTimestamp":"{created}","ownerReferences":[{{"kind":"ReplicaSet","name":"set-{set}","uid":"s-{set}","controller":true}}]}},"status":{{"phase":"Running","conditions":[{{"type":"Ready","status":"True"}}]}}}},"#
            );
        }
    }
    format!(r#"{{"items":[{}]}}"#, items.trim_end_matches(','))
}
