//! Counting what a program allocates.

use std::alloc::System;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

pub use stats_alloc::INSTRUMENTED_SYSTEM;
use stats_alloc::{Region, StatsAlloc};

/// An allocator that counts, for the whole process: see [`allocations`].
pub type CountingAllocator = &'static StatsAlloc<System>;

/// How many calls are counted.
const CALLS: usize = 1_000;

/// How many times `call` allocates, rounded down. A hundred calls run before the thousand that are
/// counted, so that allocations which are made once and kept do not count.
///
/// Allocations of other threads are counted, too: a test that uses this must be the only one in its
/// binary. The few allocations of the test harness disappear in rounding.
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
/// If the global allocator is another one.
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

/// The output of `future`, which must be ready at its first poll.
///
/// # Panics
///
/// If it is pending.
pub fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future is pending"),
    }
}
