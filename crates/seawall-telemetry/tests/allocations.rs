//! A call whose attempts and outcome are counted allocates nothing, whatever its outcome is.
//!
//! A binary of its own with one test: the counter counts the whole process.

use std::future::{Ready, ready};

use seawall::{Class, Pipeline};
use seawall_telemetry::Metrics;
use seawall_testkit::{CountingAllocator, INSTRUMENTED_SYSTEM, allocations, at_once};

#[global_allocator]
static ALLOCATOR: CountingAllocator = &INSTRUMENTED_SYSTEM;

fn fails(class: Class) -> Ready<Result<(), Class>> {
    ready(Err(class))
}

#[test]
fn counting_a_call_allocates_nothing() {
    let metrics = Metrics::default();
    let pipeline = Pipeline::builder("stock").classify(|class: &Class| *class).build().unwrap();
    let pipeline = metrics.measure(pipeline).unwrap();
    let success = || at_once(pipeline.call(|| ready(Ok::<_, Class>(())))).unwrap();
    assert_eq!(allocations(success), 0);
    for class in [Class::Transient, Class::Permanent, Class::Overloaded { retry_after: None }] {
        assert_eq!(allocations(|| _ = at_once(pipeline.call(|| fails(class)))), 0, "{class:?}");
    }
    // Read in between, and dropped before there is an outcome.
    let _ = metrics.read();
    let dropped = || drop(pipeline.call(std::future::pending::<Result<(), Class>>));
    assert_eq!(allocations(dropped), 0);
}
