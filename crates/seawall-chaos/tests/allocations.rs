//! Chaos that is off allocates nothing.
//!
//! A file of its own: the counter counts the whole process.

use std::io;

use seawall::Pipeline;
use seawall_chaos::{Chaos, ChaosCounts};
use seawall_testkit::{CountingAllocator, INSTRUMENTED_SYSTEM, allocations, at_once};

#[global_allocator]
static ALLOCATOR: CountingAllocator = &INSTRUMENTED_SYSTEM;

#[test]
fn off_nothing_is_allocated() {
    let chaos =
        Chaos::builder().error(1.0, |_| io::Error::other("injected")).build().expect("valid");
    let pipeline = Pipeline::builder("shop").layer(chaos.clone()).build().expect("valid");
    let call = || assert!(at_once(pipeline.call(async || Ok::<_, io::Error>(42))).is_ok());
    assert_eq!(allocations(call), 0);
    assert_eq!(chaos.counts(), ChaosCounts::default());
}
