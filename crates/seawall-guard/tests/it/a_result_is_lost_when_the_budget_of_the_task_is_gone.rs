//! A neighbour used up the task's cooperative budget, so the call could not take its result, which had
//! long been there, and the timeout cut it off.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use seawall_guard::Timeout;
use seawall_guard::timeout::{Blocking, Detach, DetachCounts};
use tokio::sync::oneshot;
use tokio::task::coop;
use tokio::time::advance;

const SECOND: Duration = Duration::from_secs(1);

fn use_the_budget_up(cx: &mut Context<'_>) {
    while coop::has_budget_remaining() {
        let Poll::Ready(unit) = coop::poll_proceed(cx) else { unreachable!("there is some left") };
        unit.made_progress();
    }
}

/// Polls `call` once, runs `between`, and then polls it after a greedy neighbour that used up the
/// budget that one time.
async fn with_a_greedy_neighbour<F: Future>(call: F, between: impl AsyncFnOnce()) -> F::Output {
    let mut call = pin!(call);
    assert!(poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await.is_pending());
    between().await;
    let mut greedy = true;
    poll_fn(|cx| {
        if std::mem::take(&mut greedy) {
            use_the_budget_up(cx);
        }
        call.as_mut().poll(cx)
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_result_that_is_there_in_time_is_not_cut_off() {
    let (send, receive) = oneshot::channel();
    let timeout = Timeout::new(SECOND);
    let outcome = with_a_greedy_neighbour(timeout.call(receive), async || {
        send.send(7).unwrap();
        advance(2 * SECOND).await;
    });
    assert_eq!(outcome.await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn nor_is_work_detached_that_has_a_result() {
    let (send, receive) = oneshot::channel();
    let detach = Detach::builder().limit(SECOND).build().unwrap();
    let outcome = with_a_greedy_neighbour(detach.call(receive), async || {
        send.send(7).unwrap();
        advance(2 * SECOND).await;
    });
    assert_eq!(outcome.await.unwrap(), 7);
    assert_eq!(detach.counts(), DetachCounts::default());
}

#[tokio::test(start_paused = true)]
async fn nor_blocking_work_that_is_done() {
    let blocking = Blocking::builder().limit(SECOND).build().unwrap();
    let (tell, told) = std::sync::mpsc::channel::<()>();
    let work = move || {
        told.recv().ok();
        Ok::<_, ()>(7)
    };
    let outcome = with_a_greedy_neighbour(blocking.call(work), async || {
        tell.send(()).unwrap();
        while blocking.running() > 0 {
            tokio::task::yield_now().await;
        }
        advance(2 * SECOND).await;
    });
    assert_eq!(outcome.await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_neighbour_that_is_always_greedy_does_not_keep_a_timeout_from_firing() {
    let timeout = Timeout::new(SECOND);
    let mut call = pin!(timeout.call(std::future::pending::<Result<(), ()>>()));
    let outcome = poll_fn(|cx| {
        use_the_budget_up(cx);
        call.as_mut().poll(cx)
    });
    assert!(outcome.await.unwrap_err().timed_out().is_some());
}
