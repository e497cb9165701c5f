//! Says where the client stack allocates: a line with count, bytes and place for each.

use std::collections::BTreeMap;
use std::error::Error;

use benches::contender::Table;
use benches::{sites, stacks};
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const CALLS: u64 = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::temp_dir().join(format!("aplomb-sites-{}.json", std::process::id()));
    let contenders = stacks::contenders();
    let client = contenders
        .iter()
        .find(|it| it.table == Table::Client && it.name == stacks::CLIENT)
        .ok_or("the client stack is not among the contenders")?;
    let instance = (client.instance)();
    let mut worker = instance();
    worker(CALLS);
    let profiler = dhat::Profiler::builder()
        .file_name(&path)
        .trim_backtraces(None)
        .build();
    worker(CALLS);
    drop(profiler);
    let profile: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    std::fs::remove_file(&path)?;
    for (place, (count, bytes)) in places(&profile) {
        let (count, bytes) = (count / CALLS as f64, bytes / CALLS as f64);
        // What a few calls do, such as a buffer that grows, is no cost of a call.
        if count >= 0.01 {
            println!("{count:.2} {bytes:.0} {place}");
        }
    }
    Ok(())
}

/// Count and bytes of each place.
fn places(profile: &Value) -> BTreeMap<String, (f64, f64)> {
    let mut places: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for point in profile["pps"].as_array().into_iter().flatten() {
        let indices = point["fs"].as_array().into_iter().flatten();
        let frame = |index: &Value| profile["ftbl"][index.as_u64()? as usize].as_str();
        let frames: Vec<&str> = indices.filter_map(frame).collect();
        let sum = places.entry(sites::place(&frames)).or_default();
        sum.0 += point["tbk"].as_f64().unwrap_or_default();
        sum.1 += point["tb"].as_f64().unwrap_or_default();
    }
    places
}
