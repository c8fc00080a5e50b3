//! A call was dropped while its fallback was under way, and a panic in dropping the fallback was not
//! caught: in a task that was unwinding, it aborted the process.

use std::panic::{AssertUnwindSafe, catch_unwind};

use seawall_core::{EventKind, Listeners};
use seawall_guard::Fallback;
use seawall_testkit::{Recorder, drop_after};

struct Touchy;

impl Drop for Touchy {
    fn drop(&mut self) {
        panic!("touched");
    }
}

#[tokio::test]
async fn the_panic_is_contained_and_reported() {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let fallback = Fallback::with_async(|_| {
        let touchy = Touchy;
        async move {
            let _touchy = touchy;
            std::future::pending::<Result<u32, ()>>().await
        }
    })
    .max_concurrent(1)
    .listeners(&listeners)
    .build()
    .unwrap();
    let mut call = Box::pin(fallback.call(async { Err::<u32, _>("down") }));
    assert!(drop_after(1, call.as_mut()).await.is_none());
    assert_eq!(fallback.in_flight(), 1);
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _call = call;
        panic!("outer");
    }));
    assert_eq!(unwound.unwrap_err().downcast_ref(), Some(&"outer"));
    assert_eq!(fallback.in_flight(), 0);
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::Panicked(_))), 1);
}
