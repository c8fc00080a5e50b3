//! Answers that go on to arrive after their call has ended.

use std::time::Duration;

use seawall_core::{AllTransient, FromFn, Lazy, Policy};
use seawall_limit::CongestionControl;
use tokio::time::{advance, timeout};

const SECOND: Duration = Duration::from_secs(1);

async fn call(control: &CongestionControl) {
    let answer = || async { Ok::<_, &str>(()) };
    Lazy::new(control.wrap(FromFn::new(answer, &AllTransient))).await.unwrap();
}

/// Fifty answers arrive at once, and keep their readers waiting for `wait`. Readers need `reading` for them.
async fn streams(control: &CongestionControl, wait: Duration, reading: Duration) {
    let mut open = Vec::new();
    for _ in 0..50 {
        call(control).await;
        let mut stream = control.stream();
        stream.waits(true);
        open.push(stream);
    }
    advance(wait).await;
    for stream in &mut open {
        stream.waits(false);
    }
    advance(reading).await;
    for stream in open {
        stream.completed();
    }
}

#[tokio::test(start_paused = true)]
async fn slow_streams_hold_back_calls_until_one_ends() {
    let control = CongestionControl::builder().build().unwrap();
    streams(&control, SECOND / 100, 100 * SECOND).await;
    let mut open: Vec<_> = (0..1_000).map(|_| control.stream()).collect();
    call(&control).await;
    assert_eq!(control.snapshot().streams, 1_000, "as many as there are, while they are quick");
    open.clear();
    streams(&control, 5 * SECOND, Duration::ZERO).await;
    let open: Vec<_> = (0..5_000).map(|_| control.stream()).collect();
    // Into a silence a call may go all the same.
    call(&control).await;
    let held = timeout(SECOND / 20, call(&control));
    assert!(held.await.is_err(), "it waits: {:?}", control.snapshot());
    let waiting = async {
        call(&control).await;
        control.snapshot().streams
    };
    let ending = async {
        tokio::task::yield_now().await;
        drop(open);
    };
    let (streams, ()) = tokio::join!(waiting, ending);
    assert_eq!(streams, 0, "the places were given back, and the call was woken");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_or_moved_to_another_task_gives_back_its_place() {
    let control = CongestionControl::builder().build().unwrap();
    call(&control).await;
    let stream = control.stream();
    assert_eq!(control.snapshot().streams, 1);
    tokio::spawn(async move { drop(stream) }).await.unwrap();
    assert_eq!(control.snapshot().streams, 0);
    control.stream().failed();
    assert_eq!(control.snapshot().streams, 0);
}
