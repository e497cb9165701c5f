//! Counts what each contender allocates per call: a line with count and bytes for each.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// So many that what an instance allocates once, or a buffer that grows, does not show.
const CALLS: u64 = 10_000;

fn main() {
    for contender in benches::contenders() {
        let instance = (contender.instance)();
        let mut worker = instance();
        worker(CALLS);
        let region = Region::new(ALLOCATOR);
        worker(CALLS);
        let change = region.change();
        let count = (change.allocations + change.reallocations) as f64 / CALLS as f64;
        let bytes = change.bytes_allocated as f64 / CALLS as f64;
        println!("{count:.2} {bytes:.0}");
    }
}
