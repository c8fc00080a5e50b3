//! Counts the allocations of each case, and the size of an instance of each policy.
//!
//! A program of its own, because callgrind would count the counting allocator.

use std::alloc::System;
use std::hint::black_box;

use seawall_benches::{cases, sizes};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let pattern = std::env::args().nth(1).unwrap_or_default();
    for case in cases::all() {
        if case.name().contains(&pattern) {
            match calls(&case) {
                Ok((count, bytes)) => println!("call\t{}\t{count:.2}\t{bytes:.0}", case.name()),
                Err(reason) => eprintln!("{reason}"),
            }
        }
    }
    for instance in sizes::instances() {
        if instance.subject.contains(&pattern) || instance.what.contains(&pattern) {
            let before = Region::new(ALLOCATOR);
            let made = black_box((instance.make)());
            let stats = before.change();
            let bytes = stats.bytes_allocated - stats.bytes_deallocated;
            println!("instance\t{}\t{}\t{bytes}", instance.what, instance.subject);
            drop(made);
        }
    }
}

/// Allocations and bytes of one call.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn calls(case: &seawall_benches::Case) -> Result<(f64, f64), String> {
    let mut work = case.prepared()?;
    let calls = case.calls.min(1_000);
    // An allocation that is made once and kept is no cost of a call.
    work.run(calls);
    let before = Region::new(ALLOCATOR);
    work.run(calls);
    let stats = before.change();
    let each = (calls * case.units) as f64;
    Ok((
        (stats.allocations + stats.reallocations) as f64 / each,
        stats.bytes_allocated as f64 / each,
    ))
}
