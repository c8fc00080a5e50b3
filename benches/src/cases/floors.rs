//! The least that anything can cost: the primitives of the policies, and loops written by hand.
#![expect(
    clippy::redundant_closure,
    reason = "operations are passed as callers write them, as closures; so in every case"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::operation::{Failure, ready, third_time_lucky, yielding};
use crate::{Case, Work, drive, in_runtime, plain, poll, polled};

/// The floors.
pub fn cases() -> Vec<Case> {
    vec![
        Case::floor("floor", "empty loop", drive::empty),
        Case::floor("floor", "atomic load", || {
            let word = Arc::new(AtomicU64::new(1));
            plain(move || word.load(Ordering::Acquire), |&n| n == 1)
        }),
        Case::floor("floor", "atomic add", || {
            let word = Arc::new(AtomicU64::new(1));
            plain(move || word.fetch_add(1, Ordering::AcqRel), |&n| n > 0)
        }),
        Case::floor("floor", "atomic CAS loop", atomic_cas),
        Case::floor("floor", "parking_lot lock", || {
            let lock = Arc::new(parking_lot::Mutex::new(0_u64));
            plain(move || *lock.lock() += 1, |()| true)
        }),
        Case::floor("floor", "std mutex lock", || {
            let lock = Arc::new(std::sync::Mutex::new(0_u64));
            plain(move || lock.lock().map(|mut n| *n += 1).is_ok(), |&ok| ok)
        }),
        Case::floor("floor", "std Instant::now", || plain(std::time::Instant::now, |_| true)),
        Case::floor("floor", "tokio Instant::now", || plain(tokio::time::Instant::now, |_| true)),
        Case::floor("floor", "ready", || polled(|cx| poll(ready(), cx), 1, Result::is_ok)),
        Case::floor("floor", "ready, Arc clone and drop", || {
            let shared = Arc::new(AtomicU64::new(1));
            polled(
                move |cx| {
                    let shared = Arc::clone(black_box(&shared));
                    let output = poll(ready(), cx);
                    drop(shared);
                    output
                },
                1,
                Result::is_ok,
            )
        }),
        Case::floor("floor", "ready, boxed", || polled(|cx| poll(boxed(), cx), 1, Result::is_ok)),
        Case::floor("floor", "yield once", || {
            in_runtime(async || yielding().await, 1, Result::is_ok)
        }),
        Case::floor("retry/first", "hand-written loop", || {
            let max_attempts = black_box(3);
            polled(
                move |cx| poll(hand_written_retry(max_attempts, || ready()), cx),
                1,
                Result::is_ok,
            )
        }),
        Case::floor("retry/third", "hand-written loop", || {
            let max_attempts = black_box(3);
            polled(
                move |cx| poll(hand_written_retry(max_attempts, || third_time_lucky()), cx),
                3,
                Result::is_ok,
            )
        }),
    ]
}

fn atomic_cas() -> Box<dyn Work> {
    let word = Arc::new(AtomicU64::new(1));
    plain(
        move || word.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| Some(n + 1)),
        Result::is_ok,
    )
}

#[inline(never)]
fn boxed() -> std::pin::Pin<Box<dyn Future<Output = Result<u64, Failure>>>> {
    Box::pin(ready())
}

/// A loop by hand, as one writes it without a library: no delay between the attempts.
async fn hand_written_retry<Fut>(
    max_attempts: u32,
    mut operation: impl FnMut() -> Fut,
) -> Result<u64, Failure>
where
    Fut: Future<Output = Result<u64, Failure>>,
{
    let mut attempt = 1;
    loop {
        match operation().await {
            Err(_) if attempt < max_attempts => attempt += 1,
            outcome => return outcome,
        }
    }
}
