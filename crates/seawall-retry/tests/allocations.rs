//! What goes well, or goes well in the end without a wait, does not allocate.
//!
//! A file of its own: the counter counts the whole process.

use std::cell::Cell;

use seawall_retry::{Backoff, Budget, Hedge, Retry, RetryBuilder};
use seawall_testkit::{CountingAllocator, INSTRUMENTED_SYSTEM, at_once};

#[global_allocator]
static ALLOCATOR: CountingAllocator = &INSTRUMENTED_SYSTEM;

/// Allocations per call of a future that is ready at once.
fn allocations<F: Future<Output: Sized>>(mut call: impl FnMut() -> F) -> usize {
    seawall_testkit::allocations(|| _ = at_once(call()))
}

async fn well() -> Result<u32, &'static str> {
    Ok(7)
}

fn built(builder: RetryBuilder) -> Retry {
    builder.idempotent().build().unwrap()
}

fn plenty() -> Budget {
    Budget::builder().deposit(2.0).reserve(1_000.0).build().unwrap()
}

#[test]
fn a_first_attempt_that_succeeds_allocates_nothing() {
    let share = Budget::builder().in_flight(0.2, 3).build().unwrap();
    for retry in [
        built(Retry::builder()),
        built(Retry::builder().without_budget()),
        built(Retry::builder().budget(&share)),
        built(Retry::builder().deadline(std::time::Duration::from_secs(1)).history(8)),
    ] {
        assert_eq!(allocations(|| retry.call(well)), 0, "{retry}");
    }
    let hedge = Hedge::builder().build().unwrap();
    assert_eq!(allocations(|| hedge.call(well)), 0);
}

#[test]
fn a_third_attempt_without_a_wait_allocates_nothing() {
    let calls = Cell::new(0_u32);
    let third_time_lucky = async || {
        calls.set(calls.get() + 1);
        if calls.get().is_multiple_of(3) { Ok(7) } else { Err("not yet") }
    };
    let at_once = || Retry::builder().backoff(Backoff::none());
    for retry in [built(at_once().without_budget()), built(at_once().budget(&plenty()))] {
        calls.set(0);
        assert_eq!(allocations(|| retry.call(third_time_lucky)), 0, "{retry}");
        assert_eq!(calls.get(), 3 * 1_100);
    }
}

#[test]
fn taking_from_a_budget_and_giving_back_allocates_nothing() {
    let budget = plenty();
    assert_eq!(allocations(|| async { budget.try_acquire().is_some() }), 0);
    assert_eq!(budget.snapshot().granted, 1_100);
}
