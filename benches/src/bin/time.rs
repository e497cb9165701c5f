//! Measures every contender and writes the report.
//!
//! `time ALLOCATIONS SITES DATE [WORD…]`: the files that the other two programs wrote, and the
//! date for the report. With words, only contenders whose table or name contains all of them, and
//! none of those that follow a `-`, are measured and shown, without the goals, most of which
//! compare several.

use std::error::Error;
use std::fs::read_to_string;
use std::time::Duration;

use benches::contender::Contender;
use benches::report::{self, Run};
use benches::rows::{Allocations, Row, Rows};
use benches::sites::Site;
use benches::{machine, measure};

const ROUNDS: usize = 41;
const SPAN: Duration = Duration::from_millis(5);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [allocations, sites, date, words @ ..] = arguments.as_slice() else {
        return Err("expected the files of allocations and of sites, and the date".into());
    };
    let load = machine::load();
    let counts: Vec<Allocations> = parse(&read_to_string(allocations)?, Allocations::parse)?;
    let all = benches::contenders();
    if counts.len() != all.len() {
        return Err("the file of allocations is that of another build".into());
    }
    let (contenders, counts): (Vec<_>, Vec<_>) = all
        .into_iter()
        .zip(counts)
        .filter(|(contender, _)| is_meant(contender, words))
        .unzip();
    let samples = measure::all(&contenders, ROUNDS, SPAN);
    let figures = samples.into_iter().zip(counts);
    let rows = contenders.iter().zip(figures);
    let rows = Rows(
        rows.map(|(it, (samples, count))| Row::new(it, samples, count))
            .collect(),
    );
    if !words.is_empty() {
        print!("{}", report::tables(&rows));
        return Ok(());
    }
    let run = Run {
        date,
        rounds: ROUNDS,
        load,
        sites: parse(&read_to_string(sites)?, Site::parse)?,
    };
    print!("{}", report::markdown(&rows, &run));
    Ok(())
}

fn is_meant(contender: &Contender, words: &[String]) -> bool {
    let text = format!("{} {}", contender.table.title(), contender.name);
    words.iter().all(|word| match word.strip_prefix('-') {
        Some(unwanted) => !text.contains(unwanted),
        None => text.contains(word.as_str()),
    })
}

fn parse<T>(text: &str, line: fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    let read = |text| line(text).ok_or_else(|| format!("expected numbers, found `{text}`"));
    text.lines().map(read).collect()
}
