//! Counting what a program allocates.

use std::alloc::System;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

pub use stats_alloc::INSTRUMENTED_SYSTEM;
use stats_alloc::{Region, StatsAlloc};

/// An allocator that counts, for the whole process: see [`allocations`].
pub type CountingAllocator = &'static StatsAlloc<System>;

/// How often.
const CALLS: usize = 1_000;

/// How many times `call` allocates. What is made once and kept does not count: `call` runs a hundred
/// times before the thousand that are counted.
///
/// What other threads of the program allocate meanwhile is counted, too, so a test that uses this is
/// the only one of its file; a few allocations of the test's harness are too few to show.
///
/// ```
/// use seawall_testkit::{CountingAllocator, INSTRUMENTED_SYSTEM, allocations};
///
/// #[global_allocator]
/// static ALLOCATOR: CountingAllocator = &INSTRUMENTED_SYSTEM;
///
/// # fn main() {
/// assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 1);
/// assert_eq!(allocations(|| assert_eq!(1 + 1, 2)), 0);
/// # }
/// ```
///
/// # Panics
///
/// Where the program allocates with another allocator.
pub fn allocations(mut call: impl FnMut()) -> usize {
    let counts = counted(|| drop(std::hint::black_box(Box::new(1_u8)))) > 0;
    assert!(counts, "the program's global allocator is not the one that counts");
    for _ in 0..CALLS / 10 {
        call();
    }
    let all = counted(|| (0..CALLS).for_each(|_| call()));
    all / CALLS
}

fn counted(run: impl FnOnce()) -> usize {
    let region = Region::new(&INSTRUMENTED_SYSTEM);
    run();
    let change = region.change();
    change.allocations + change.reallocations
}

/// What `future` comes to, which has to be ready when it is first polled.
///
/// # Panics
///
/// When it is not.
pub fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}
