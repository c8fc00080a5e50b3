//! Calls that are dropped at each of their awaits give back what they held.

use std::cell::RefCell;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::{AllTransient, Error, FromFn, Lazy, Policy};
use seawall_limit::CongestionControl;
use seawall_testkit::{Script, Step, at_every_await};
use tokio::time::{Instant, advance, sleep};

use crate::support::by_hand;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

type Failure = &'static str;
type Outcome = Result<u32, Error<Failure>>;

async fn call<Fut>(control: &CongestionControl, make: impl FnMut() -> Fut) -> Outcome
where
    Fut: Future<Output = Result<u32, Failure>>,
{
    let call = control.wrap(FromFn::new(make, &AllTransient));
    Lazy::new(call).deadline(Instant::now() + SECOND).await
}

async fn after_10_ms(outcome: Result<u32, Failure>) -> Result<u32, Failure> {
    sleep(10 * MS).await;
    outcome
}

/// Knows that answers take 10 ms.
async fn warm() -> Arc<CongestionControl> {
    let control = CongestionControl::builder().idempotent().build().unwrap();
    for _ in 0..200 {
        call(&control, || after_10_ms(Ok(7))).await.unwrap();
    }
    Arc::new(control)
}

/// Everything is back, once what was given up counts no more.
async fn is_clean(control: &CongestionControl) {
    advance(10 * SECOND).await;
    call(control, || async { Ok(7) }).await.unwrap();
    let state = control.snapshot();
    assert_eq!((state.in_flight, state.waiting, state.lingering), (0, 0, 0), "{state:?}");
}

/// Its first request is overtaken, and a second one goes out as well.
#[tokio::test(start_paused = true)]
async fn while_two_requests_are_under_way() {
    let control = warm().await;
    let others = {
        let control = Arc::clone(&control);
        tokio::spawn(async move {
            loop {
                let _ = call(&control, || after_10_ms(Ok(1))).await;
            }
        })
    };
    let last = RefCell::new(Script::new([Step::ok(7)]));
    // Runs that were dropped, by the number of their requests.
    let mut dropped = [0; 4];
    let awaits = at_every_await(
        || {
            let operation = Script::new([Step::never(), Step::after(40 * MS, Ok(7))]);
            let control = &control;
            last.replace(operation.clone());
            async move { call(control, || operation.run()).await }
        },
        |outcome| {
            let operation = last.borrow();
            assert_eq!(operation.running(), 0, "both ended with their call");
            let state = control.snapshot();
            assert_eq!(state.waiting, 0, "{state:?}");
            // But for that of the others.
            assert!(state.in_flight as usize <= state.lingering + 1, "{state:?}");
            match outcome {
                None => dropped[operation.started()] += 1,
                Some(outcome) => assert_eq!(outcome.unwrap(), 7),
            }
        },
    )
    .await;
    others.abort();
    assert!(others.await.unwrap_err().is_cancelled());
    assert!(awaits >= 3 && dropped[1] >= 1 && dropped[2] >= 1, "{awaits} {dropped:?}");
    is_clean(&control).await;
}

/// It waits in an outage, probes, fails, and waits again.
#[tokio::test(start_paused = true)]
async fn while_it_waits_in_an_outage() {
    let control = warm().await;
    while !control.snapshot().down {
        call(&control, || after_10_ms(Err("down"))).await.unwrap_err();
    }
    let last = RefCell::new(Script::new([Step::ok(7)]));
    let mut dropped = [0; 4];
    let awaits = at_every_await(
        || {
            let operation = Script::new([Step::after(10 * MS, Err("down"))]);
            let control = &control;
            last.replace(operation.clone());
            async move { call(control, || operation.run()).await }
        },
        |outcome| {
            let operation = last.borrow();
            let state = control.snapshot();
            assert!(state.down, "{state:?}");
            assert_eq!((operation.running(), state.waiting), (0, 0), "{state:?}");
            assert_eq!(state.in_flight as usize, state.lingering, "{state:?}");
            match outcome {
                None => dropped[operation.started()] += 1,
                Some(outcome) => drop(outcome.unwrap_err()),
            }
        },
    )
    .await;
    assert!(awaits >= 4 && dropped[0] >= 1 && dropped[1] >= 2, "{awaits} {dropped:?}");
    is_clean(&control).await;
    assert!(!control.snapshot().down);
}

/// It failed, and waits for a success to pay for its repetition.
#[tokio::test(start_paused = true)]
async fn while_it_waits_for_a_token() {
    let control = warm().await;
    // Together, so that few of their failures are in a row, which would be an outage. What is repeated
    // into a silence needs no token.
    let spend = || call(&control, || after_10_ms(Err("down")));
    for _ in 0..10 {
        if control.snapshot().tokens == 0 {
            break;
        }
        call(&control, || after_10_ms(Ok(7))).await.unwrap();
        tokio::join!(spend(), spend(), spend(), spend(), spend(), spend()).0.unwrap_err();
    }
    assert_eq!((control.snapshot().tokens, control.snapshot().down), (0, false));
    let mut dropped = 0;
    let awaits = at_every_await(
        || {
            let operation = Script::new([Step::after(10 * MS, Err("down"))]);
            let control = &control;
            async move { call(control, || operation.run()).await }
        },
        |outcome| {
            let state = control.snapshot();
            dropped += u32::from(outcome.is_none() && !state.down);
            assert_eq!(state.waiting, 0, "{state:?}");
            assert_eq!(state.in_flight as usize, state.lingering, "{state:?}");
        },
    )
    .await;
    assert!(awaits >= 4 && dropped >= 4, "{awaits} {dropped}");
    is_clean(&control).await;
}

/// A place was granted to a waiter that is dropped before it is polled again.
#[tokio::test(start_paused = true)]
async fn a_place_that_was_granted_and_not_taken_goes_to_the_next() {
    let control = warm().await;
    let make = || by_hand(call(&control, || after_10_ms(Ok(7))));
    let mut busy = Vec::new();
    while control.snapshot().waiting == 0 {
        let mut call = make();
        assert!(call.is_pending());
        busy.push(call);
    }
    let first = busy.pop().expect("one that waits");
    let mut second = make();
    assert!(second.is_pending());
    let before = [first.woken(), second.woken()];
    // It ran for no time, so its place does not linger.
    drop(busy.pop());
    assert!(first.woken() > before[0] && control.snapshot().waiting == 1);
    drop(first);
    assert_eq!(control.snapshot().waiting, 0);
    assert!(second.woken() > before[1]);
    drop(busy);
    assert!(second.is_pending(), "it was granted the place, and sends");
    advance(11 * MS).await;
    assert_eq!(second.ready().unwrap(), 7);
    is_clean(&control).await;
}
