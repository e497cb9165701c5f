//! Interleaved rounds: what is measured in one go takes the noise of its minute, so every
//! contender is measured briefly in every round. Each round makes a fresh instance, so that the
//! luck of one memory layout does not last.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

use crate::contender::{Contender, Instance, Worker};

/// So many calls fill the longest window that is measured twice over.
const WARM_CALLS: u64 = 13_000;
/// Where that takes longer, this is enough.
const WARM_TIME: Duration = Duration::from_millis(10);

/// Nanoseconds per call, one value for each round.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    pub fn median(&self) -> f64 {
        self.at(0.5)
    }

    /// The value below which this share of the samples lies.
    pub fn at(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let index = (sorted.len().saturating_sub(1) as f64 * share).round();
        sorted.get(index as usize).copied().unwrap_or(f64::NAN)
    }

    /// Round by round what these take longer than `other`.
    pub fn beyond(&self, other: &Self) -> Self {
        let pairs = self.0.iter().zip(&other.0);
        Self(pairs.map(|(ours, theirs)| ours - theirs).collect())
    }
}

/// Measures every contender in `rounds` rounds of about `span` each.
pub fn all(contenders: &[Contender], rounds: usize, span: Duration) -> Vec<Samples> {
    let mut samples = vec![Samples::default(); contenders.len()];
    for round in 1..=rounds {
        eprint!("\rround {round} of {rounds}");
        for (contender, samples) in contenders.iter().zip(&mut samples) {
            samples.0.push(nanoseconds(contender, span));
        }
    }
    eprintln!();
    samples
}

/// Nanoseconds per call of one thread while all call: threads divided by calls per nanosecond.
/// All call for the same span, so that none has a quiet rest after the others are done.
fn nanoseconds(contender: &Contender, span: Duration) -> f64 {
    let instance = (contender.instance)();
    let begin = Barrier::new(contender.threads);
    let one = || of_thread(&instance, &begin, span);
    let calls_per_nanosecond: f64 = thread::scope(|scope| {
        let threads: Vec<_> = (0..contender.threads).map(|_| scope.spawn(one)).collect();
        let rate = |thread: thread::ScopedJoinHandle<'_, f64>| {
            thread.join().expect("the contender is in its state")
        };
        threads.into_iter().map(rate).sum()
    });
    contender.threads as f64 / calls_per_nanosecond
}

/// Calls per nanosecond.
fn of_thread(instance: &Instance, begin: &Barrier, span: Duration) -> f64 {
    let mut worker = instance();
    let batch = warm(&mut worker, span);
    begin.wait();
    let begun = Instant::now();
    let mut calls = 0;
    loop {
        worker(batch);
        calls += batch;
        let elapsed = begun.elapsed();
        if elapsed >= span {
            return calls as f64 / elapsed.as_nanos() as f64;
        }
    }
}

/// Brings caches and windows into the state that lasts; how many calls a tenth of `span` holds.
fn warm(worker: &mut Worker, span: Duration) -> u64 {
    let begun = Instant::now();
    let mut calls = 0;
    while calls < WARM_CALLS && begun.elapsed() < WARM_TIME {
        worker(1_000);
        calls += 1_000;
    }
    let share = span.as_secs_f64() / 10.0 / begun.elapsed().as_secs_f64();
    (calls as f64 * share).max(1.0) as u64
}
