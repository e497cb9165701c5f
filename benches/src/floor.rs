//! What nothing can be faster than.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use crate::contender::{Contender, Instance, Table, Worker};

pub const CLOCK: &str = "one clock read";
pub const LATENCY: &str = "load + 2 clock reads + fetch_add";

pub fn contenders() -> Vec<Contender> {
    let add = |name, promises, make: fn() -> Instance| {
        Contender::on_threads(Table::Floor, &[1, 2], name, promises, make)
    };
    [
        add(CLOCK, "", clock),
        add("fetch_add", "a count, no latency", count),
        add(
            LATENCY,
            "the least that a breaker does which tracks latency",
            latency,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn clock() -> Instance {
    repeated(|_| {
        black_box(Instant::now());
    })
}

fn count() -> Instance {
    repeated(|words| {
        black_box(words.calls.fetch_add(1, Ordering::AcqRel));
    })
}

fn latency() -> Instance {
    repeated(|words| {
        black_box(words.state.load(Ordering::Acquire));
        let begun = Instant::now();
        let took = black_box(Instant::now()).saturating_duration_since(begun);
        words
            .calls
            .fetch_add(took.as_nanos() as u64, Ordering::AcqRel);
    })
}

/// What the threads share.
#[derive(Default)]
struct Words {
    state: AtomicU64,
    calls: AtomicU64,
}

fn repeated(once: impl Fn(&Words) + Copy + Sync + 'static) -> Instance {
    let words = Arc::new(Words::default());
    Box::new(move || -> Worker {
        let words = Arc::clone(&words);
        Box::new(move |calls| (0..calls).for_each(|_| once(&words)))
    })
}
