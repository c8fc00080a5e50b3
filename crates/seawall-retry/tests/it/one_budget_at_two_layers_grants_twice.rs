//! Each layer paid in for the same call, so that two layers that shared a budget had twice the
//! repetitions: 1,210 requests for 1,000 calls, where the bound says 1,110.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use seawall_retry::{Backoff, Budget, Hedge, Retry};
use seawall_testkit::at_once;
use tokio::task::yield_now;

const CALLS: u32 = 1_000;
const BOUND: u32 = CALLS + 10 + CALLS / 10;

fn budget() -> Budget {
    Budget::builder().deposit(0.1).reserve(10.0).refill_per_second(0.0).build().unwrap()
}

fn retry(budget: &Budget) -> Retry {
    Retry::builder().idempotent().backoff(Backoff::none()).budget(budget).build().unwrap()
}

fn hedge(budget: &Budget) -> Hedge {
    Hedge::builder().delay(Duration::ZERO).budget(budget).build().unwrap()
}

/// Counts the requests that reach a dependency that is down.
#[derive(Default)]
struct Down(AtomicU32);

impl Down {
    async fn ask(&self) -> Result<(), &'static str> {
        self.0.fetch_add(1, Relaxed);
        yield_now().await;
        Err("down")
    }

    fn ask_now(&self) -> Result<(), &'static str> {
        self.0.fetch_add(1, Relaxed);
        Err("down")
    }

    fn asked(&self) -> u32 {
        self.0.load(Relaxed)
    }
}

/// All that is allowed is used, and no more.
fn holds(down: &Down) {
    assert!((BOUND - 2..=BOUND).contains(&down.asked()), "{} requests", down.asked());
}

#[tokio::test(start_paused = true)]
async fn retry_around_retry() {
    let (budget, down) = (budget(), Down::default());
    let (outer, inner) = (retry(&budget), retry(&budget));
    for _ in 0..CALLS {
        let call = || async {
            yield_now().await;
            inner.call(|| down.ask()).await
        };
        outer.call(call).await.unwrap_err();
    }
    holds(&down);
}

#[tokio::test(start_paused = true)]
async fn retry_around_hedge_and_hedge_around_retry() {
    let (budget, down) = (budget(), Down::default());
    let (retry, hedge) = (retry(&budget), hedge(&budget));
    for _ in 0..CALLS {
        retry.call(|| hedge.call(|| down.ask())).await.unwrap_err();
    }
    holds(&down);
    let (budget, down) = (self::budget(), Down::default());
    let (retry, hedge) = (self::retry(&budget), self::hedge(&budget));
    for _ in 0..CALLS {
        hedge.call(|| retry.call(|| down.ask())).await.unwrap_err();
    }
    holds(&down);
}

#[test]
fn on_threads_that_block() {
    let (budget, down) = (budget(), Down::default());
    let (outer, inner) = (retry(&budget), retry(&budget));
    for _ in 0..CALLS {
        outer.call_blocking(|| inner.call_blocking(|| down.ask_now())).unwrap_err();
    }
    holds(&down);
}

#[tokio::test(start_paused = true)]
async fn calls_side_by_side_and_calls_of_another_budget_pay_for_themselves() {
    let (outer, inner) = (budget(), budget());
    for budget in [&outer, &inner] {
        for _ in 0..10 {
            budget.try_acquire().unwrap().start();
        }
    }
    let call = || async { retry(&inner).call(async || Ok::<_, ()>(())).await };
    let outside = retry(&outer);
    _ = tokio::join!(outside.call(call), outside.call(call), outside.call(call));
    assert_eq!(outer.snapshot().tokens, Some(0.3));
    assert_eq!(inner.snapshot().tokens, Some(0.3));
}

#[test]
fn a_call_that_panics_leaves_nothing_noted() {
    let budget = budget();
    budget.try_acquire().unwrap().start();
    let retry = retry(&budget);
    let bug = || -> Result<(), ()> { panic!("a bug") };
    let call = AssertUnwindSafe(|| at_once(retry.call(|| async { bug() })));
    std::panic::catch_unwind(call).unwrap_err();
    assert_eq!(budget.snapshot().tokens, Some(9.1));
    at_once(retry.call(async || Ok::<_, ()>(()))).unwrap();
    assert_eq!(budget.snapshot().tokens, Some(9.2));
}
