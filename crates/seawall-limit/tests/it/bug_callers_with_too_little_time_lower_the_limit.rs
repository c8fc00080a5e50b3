//! A hundred callers that left a dependency 5 ms, of the 20 ms that it always takes, lowered the
//! limit of all callers from 20 to 2.

use std::future::pending;
use std::time::Duration;

use seawall_core::{AllTransient, Attempt, FromFn, Lazy, Policy};
use seawall_limit::AdaptiveLimit;
use seawall_limit::adaptive::defaults::MAX_SILENCE;
use tokio::time::{Instant, sleep, timeout};

const USUAL: Duration = Duration::from_millis(20);
const TOO_LITTLE: Duration = Duration::from_millis(5);

/// One call, cut off after `patience`, to a dependency that answers after `takes`, or never.
async fn call(limit: &AdaptiveLimit, takes: Option<Duration>, patience: Option<Duration>) {
    let answer = || async move {
        match takes {
            Some(takes) => sleep(takes).await,
            None => pending().await,
        }
        Ok::<_, ()>(())
    };
    let op = FromFn::new(answer, &AllTransient);
    let lazy = Lazy::new(limit.wrap(op));
    match patience {
        None => lazy.await.unwrap(),
        Some(patience) => {
            let attempt = Attempt::first().due_by(Instant::now() + patience);
            let _ = timeout(patience, lazy.with_attempt(attempt)).await;
        }
    }
}

/// A limit of 20 that knows how long answers take.
async fn limit() -> AdaptiveLimit {
    let limit = AdaptiveLimit::builder().initial(20).build().unwrap();
    // With 5 of 20 in flight, as the last one finds, an answer neither raises nor lowers it.
    let mut calls: Vec<_> = (0..5).map(|_| limit.try_acquire().unwrap()).collect();
    sleep(USUAL).await;
    calls.pop().unwrap().success();
    for call in calls {
        call.ignore();
    }
    assert_eq!(limit.snapshot().limit, 20);
    limit
}

#[tokio::test(start_paused = true)]
async fn impatient_callers_leave_the_limit_as_it_is() {
    let limit = limit().await;
    for _ in 0..100 {
        call(&limit, Some(USUAL), Some(TOO_LITTLE)).await;
    }
    assert_eq!(limit.snapshot().limit, 20);
}

#[tokio::test(start_paused = true)]
async fn an_answer_among_them_ends_the_silence() {
    let limit = limit().await;
    for _ in 0..100 {
        for _ in 0..10 {
            call(&limit, Some(USUAL), Some(TOO_LITTLE)).await;
        }
        call(&limit, Some(USUAL), None).await;
    }
    // Unused limits fall to four times what is in flight.
    assert!(limit.snapshot().limit > 2, "{:?}", limit.snapshot());
}

#[tokio::test(start_paused = true)]
async fn callers_that_waited_as_long_as_usual_lower_it() {
    let limit = limit().await;
    for _ in 0..100 {
        call(&limit, None, Some(USUAL * 2)).await;
    }
    assert_eq!(limit.snapshot().limit, 2);
}

#[tokio::test(start_paused = true)]
async fn a_dependency_that_hangs_behind_impatient_callers_lowers_it() {
    let limit = limit().await;
    let began = Instant::now();
    while limit.snapshot().limit > 2 {
        call(&limit, None, Some(TOO_LITTLE)).await;
        assert!(began.elapsed() < MAX_SILENCE * 2, "{:?}", limit.snapshot());
    }
    assert!(began.elapsed() >= MAX_SILENCE);
}
