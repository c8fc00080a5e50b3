//! Every way out of a call, a thousand times each, under each kind of budget: a token is missing for
//! each repetition that was started and for no other, and every place in flight is free again.

use std::fmt::Arguments;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::task::Poll;
use std::time::Duration;

use seawall_core::{Backoff, StopReason};
use seawall_core::{Class, PolicyExt};
use seawall_retry::{Budget, BudgetBuilder, Hedge, Retry, RetryBuilder};
use seawall_testkit::{Script, Step, drop_after};
use tokio_util::sync::CancellationToken;

const SECOND: Duration = Duration::from_secs(1);
const TIMES: usize = 1_000;
/// What each budget holds at most, and at the start.
const FULL: u32 = 5;

fn kinds() -> [(&'static str, BudgetBuilder); 4] {
    let tokens = || Budget::builder().refill_per_second(0.0).deposit(1.0).reserve(FULL.into());
    [
        ("tokens", tokens()),
        ("tokens that also come with time", tokens().refill_per_second(1e-6)),
        // Each call is one of few: a place that is not given back is missed by the next.
        ("tokens and a share in flight", tokens().in_flight(1.0, 1)),
        ("a share in flight", Budget::builder().without_tokens().in_flight(1.0, 1)),
    ]
}

/// Says nothing of the panics that are meant to happen: of 30,000, to write down where each came from
/// takes longer than all the calls.
fn expect_booms() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if info.payload_as_str() != Some("boom") {
                before(info);
            }
        }));
    });
}

/// Checks what one call has left behind, and fills the budget up again.
fn settle(budget: &Budget, started: u32, exit: Arguments<'_>) {
    let snapshot = budget.snapshot();
    let in_flight = (snapshot.calls_in_flight, snapshot.repetitions_in_flight);
    assert!(matches!(in_flight, (Some(0), Some(0)) | (None, None)), "{exit}: {in_flight:?}");
    let Some(left) = snapshot.tokens else { return };
    let missing = f64::from(FULL) - left;
    assert!((missing - f64::from(started)).abs() < 0.1, "{exit}: {missing} are missing");
    for _ in 0..started {
        drop(budget.call());
    }
}

/// As much as it was made with can be taken of it, and no more.
fn assert_full(budget: &Budget) {
    let taken: Vec<_> = std::iter::from_fn(|| budget.try_acquire()).collect();
    let places = budget.snapshot().repetitions_in_flight.map_or(FULL, |_| 1);
    assert_eq!(taken.len(), usize::try_from(places).unwrap());
}

/// The outcome of a future, or what it panicked with.
async fn caught<F: Future>(future: F) -> std::thread::Result<F::Output> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

type Steps = Vec<Step<(), &'static str>>;

fn down() -> Step<(), &'static str> {
    Step::err("down")
}

#[tokio::test(start_paused = true)]
async fn of_a_retry() {
    expect_booms();
    for (kind, builder) in kinds() {
        let budget = builder.build().unwrap();
        for delay in [Duration::ZERO, SECOND] {
            let retry = || {
                let backoff = Backoff::constant(delay);
                Retry::builder().idempotent().max_attempts(3).backoff(backoff).budget(&budget)
            };
            run_out_of_a_retry(retry, &budget, delay > Duration::ZERO, kind).await;
        }
        assert_full(&budget);
    }
}

async fn run_out_of_a_retry(
    retry: impl Fn() -> RetryBuilder,
    budget: &Budget,
    waits: bool,
    kind: &str,
) {
    let plain = retry().build().unwrap();
    let picky = plain.clone().classify(|error: &&str| match *error {
        "gone" => Class::Permanent,
        _ => Class::Transient,
    });
    let exits: [(&str, u32, Steps); 5] = [
        ("success at once", 0, vec![Step::ok(())]),
        ("success later", 1, vec![down(), Step::ok(())]),
        ("exhausted", 2, vec![down()]),
        ("panic at once", 0, vec![Step::panic("boom")]),
        ("panic later", 1, vec![down(), Step::panic("boom")]),
    ];
    for (exit, started, steps) in exits {
        for _ in 0..TIMES {
            let script = Script::new(steps.clone());
            let outcome = caught(plain.call(|| script.run())).await;
            assert_eq!(outcome.is_err(), exit.starts_with("panic"));
            settle(budget, started, format_args!("{kind}: {exit}"));
        }
    }
    for _ in 0..TIMES {
        let script = Script::<(), _>::new([Step::err("gone")]);
        picky.call(|| script.run()).await.unwrap_err();
        settle(budget, 0, format_args!("{kind}: permanent at once"));
        let script = Script::<(), _>::new([down(), Step::err("gone")]);
        picky.call(|| script.run()).await.unwrap_err();
        settle(budget, 1, format_args!("{kind}: permanent later"));
    }
    let wait = usize::from(waits);
    let mut dropped: Vec<(&str, u32, usize, Steps)> = vec![
        ("cancelled in the first attempt", 0, 1, vec![Step::never()]),
        ("cancelled in the second attempt", 1, 1 + wait, vec![down(), Step::never()]),
    ];
    if waits {
        dropped.push(("cancelled while it waits", 0, 1, vec![down()]));
        dropped.push(("cancelled while it waits again", 1, 2, vec![down()]));
    }
    for (exit, started, awaits, steps) in dropped {
        for _ in 0..TIMES {
            let script = Script::new(steps.clone());
            assert!(drop_after(awaits, plain.call(|| script.run())).await.is_none(), "{exit}");
            settle(budget, started, format_args!("{kind}: {exit}"));
        }
    }
    if !waits {
        return;
    }
    let hasty = retry().deadline(SECOND).build().unwrap();
    for _ in 0..TIMES {
        let error = hasty.call(async || Err::<(), _>("down")).await.unwrap_err();
        assert_eq!(error.gave_up().unwrap().why, StopReason::Deadline);
        settle(budget, 0, format_args!("{kind}: deadline"));
        let token = CancellationToken::new();
        let stopped = retry().shutdown(token.clone()).build().unwrap();
        let call = stopped.call(async || Err::<(), _>("down"));
        let (outcome, ()) = tokio::join!(call, async { token.cancel() });
        assert_eq!(outcome.unwrap_err().gave_up().unwrap().why, StopReason::Shutdown);
        settle(budget, 0, format_args!("{kind}: shutdown while it waits"));
    }
}

#[test]
fn of_a_retry_that_blocks() {
    expect_booms();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _entered = runtime.enter();
    for (kind, builder) in kinds() {
        let budget = builder.build().unwrap();
        let retry = Retry::builder().idempotent().max_attempts(3).backoff(Backoff::none());
        let retry = retry.budget(&budget).build().unwrap();
        // Which attempt succeeds and which panics, and how many repetitions were started.
        for (success, panic, started) in
            [(1, 9, 0), (2, 9, 1), (3, 9, 2), (9, 9, 2), (9, 1, 0), (9, 2, 1)]
        {
            for _ in 0..TIMES {
                let mut attempts = 0;
                let outcome = catch_unwind(AssertUnwindSafe(|| {
                    retry.call_blocking(|| {
                        attempts += 1;
                        assert!(attempts < panic, "boom");
                        if attempts < success { Err("down") } else { Ok(()) }
                    })
                }));
                assert_eq!(outcome.is_err(), panic < 9);
                settle(&budget, started, format_args!("{kind}: {success}, {panic}"));
            }
        }
        assert_full(&budget);
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_hedge() {
    expect_booms();
    for (kind, builder) in kinds() {
        let budget = builder.build().unwrap();
        let hedge = Hedge::builder().delay(SECOND).budget(&budget).build().unwrap();
        let slow = |seconds, outcome| Step::after(seconds * SECOND, outcome);
        let exits: [(&str, u32, Steps); 6] = [
            ("success at once", 0, vec![Step::ok(())]),
            ("success before the hedge", 0, vec![slow(1, Ok(()))]),
            ("success of the first", 1, vec![slow(2, Ok(())), Step::never()]),
            ("success of the hedge", 1, vec![Step::never(), slow(1, Ok(()))]),
            ("all failed", 1, vec![slow(3, Err("down"))]),
            ("panic of the hedge", 1, vec![Step::never(), Step::panic("boom")]),
        ];
        for (exit, started, steps) in &exits {
            for _ in 0..TIMES {
                let script = Script::new(steps.clone());
                let outcome = caught(hedge.call(|| script.run())).await;
                assert_eq!(outcome.is_err(), exit.starts_with("panic"));
                settle(&budget, *started, format_args!("{kind}: {exit}"));
            }
        }
        for (awaits, started) in [(1, 0), (2, 1)] {
            for _ in 0..TIMES {
                let script = Script::<(), &str>::new([Step::never()]);
                assert!(drop_after(awaits, hedge.call(|| script.run())).await.is_none());
                settle(&budget, started, format_args!("{kind}: cancelled at await {awaits}"));
            }
        }
        assert_full(&budget);
    }
}
