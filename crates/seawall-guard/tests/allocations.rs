//! A guard around a call that succeeds allocates nothing, nor does a timeout that has to wait.
//!
//! A binary of its own with one test: the counter counts the whole process.

use std::future::{Ready, ready};
use std::time::Duration;

use seawall_core::{AllTransient, Chain, FromFuture, Lazy, Policy};
use seawall_guard::{Deadline, Fallback, PanicGuard, Timeout};
use seawall_testkit::{CountingAllocator, INSTRUMENTED_SYSTEM, allocations, at_once};

#[global_allocator]
static ALLOCATOR: CountingAllocator = &INSTRUMENTED_SYSTEM;

const HOUR: Duration = Duration::from_hours(1);

fn ok() -> Ready<Result<u32, &'static str>> {
    ready(Ok(7))
}

async fn yields() -> Result<u32, &'static str> {
    tokio::task::yield_now().await;
    Ok(7)
}

#[test]
fn success_allocates_nothing() {
    let timeout = Timeout::new(HOUR);
    let guard = PanicGuard::builder().build().unwrap();
    let fallback = Fallback::value(1).build().unwrap();
    assert_eq!(allocations(|| _ = at_once(timeout.call(ok())).unwrap()), 0);
    assert_eq!(allocations(|| _ = at_once(guard.call(ok())).unwrap()), 0);
    assert_eq!(allocations(|| _ = at_once(fallback.call(ok())).unwrap()), 0);
    assert_eq!(allocations(|| _ = at_once(Deadline::after(HOUR).call(ok())).unwrap()), 0);
    assert_eq!(allocations(|| _ = at_once(fallback.call(ready(Err("down")))).unwrap()), 0);

    let all = Chain::new(&fallback, Chain::new(&timeout, &guard));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    // Entering the runtime allocates.
    let bare = allocations(|| _ = runtime.block_on(yields()).unwrap());
    let timed = allocations(|| _ = runtime.block_on(timeout.call(yields())).unwrap());
    let guarded = allocations(|| {
        let operation = FromFuture::new(yields(), &AllTransient);
        runtime.block_on(Lazy::new(all.wrap(operation))).unwrap();
    });
    assert_eq!((timed, guarded), (bare, bare));
}
