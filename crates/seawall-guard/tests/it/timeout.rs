//! When a timeout cuts off, and what it says.

use std::future::{pending, poll_fn};
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use seawall_core::{
    Attempt, Call, FromAttemptFn, Lazy, Listeners, Operation, Policy, Scope, TimedOutBy,
};
use seawall_guard::Timeout;
use seawall_guard::timeout::{DEFAULT_ATTEMPT_LIMIT, DEFAULT_LIMIT, MAX_LIMIT};
use seawall_testkit::{Alive, Recorder, Script, Step, at_every_await};
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

fn never() -> impl Future<Output = Result<(), &'static str>> {
    pending()
}

#[tokio::test(start_paused = true)]
async fn a_call_in_time_keeps_its_outcome() {
    let timeout = Timeout::new(SECOND);
    let half = Script::new([Step::after(SECOND / 2, Ok(1)), Step::after(SECOND / 2, Err("down"))]);
    assert_eq!(timeout.call(half.run()).await.unwrap(), 1);
    let error = timeout.call(half.run()).await.unwrap_err();
    assert_eq!(error.operation(), Some(&"down"));
}

#[tokio::test(start_paused = true)]
async fn the_error_says_which_timeout_how_long_and_which_layer() {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    for scope in [Scope::Total, Scope::Attempt] {
        let timeout = Timeout::builder()
            .name("inventory")
            .scope(scope)
            .limit(2 * SECOND)
            .listeners(&listeners)
            .build()
            .unwrap();
        let begin = Instant::now();
        let error = timeout.call(never()).await.unwrap_err();
        let timed_out = error.timed_out().unwrap();
        assert_eq!(timed_out.policy().as_str(), "inventory");
        assert_eq!(timed_out.limit(), 2 * SECOND);
        assert_eq!(timed_out.elapsed(), begin.elapsed());
        assert_eq!(timed_out.scope(), scope);
        assert_eq!(timed_out.by(), TimedOutBy::Limit);
        let heard = recorder.take();
        assert_eq!(heard.len(), 1);
        assert_eq!(heard[0].to_string(), error.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn an_outcome_at_the_very_deadline_wins() {
    let timeout = Timeout::new(SECOND);
    let outcome = timeout
        .call(async {
            sleep(SECOND).await;
            Ok::<_, ()>("just so")
        })
        .await;
    assert_eq!(outcome.unwrap(), "just so");
}

#[tokio::test(start_paused = true)]
async fn the_call_is_dropped_before_the_caller_resumes() {
    let timeout = Timeout::new(SECOND);
    let alive = Alive::default();
    let token = alive.token();
    let mut call = std::pin::pin!(timeout.call(async move {
        let _token = token;
        never().await
    }));
    assert!(call.as_mut().await.is_err());
    assert_eq!(alive.now(), 0, "though the future itself is still here");
}

#[tokio::test(start_paused = true)]
async fn the_time_counts_from_the_start_of_the_call_not_from_the_first_pending() {
    let timeout = Timeout::new(10 * SECOND);
    let begin = Instant::now();
    let call = timeout.call(async {
        // The first poll takes three seconds.
        tokio::time::advance(3 * SECOND).await;
        never().await
    });
    assert!(call.await.is_err());
    assert_eq!(begin.elapsed(), 10 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_polled_does_not_age() {
    let timeout = Timeout::new(SECOND);
    let call = timeout.call(async {
        sleep(SECOND / 2).await;
        Ok::<_, ()>(())
    });
    sleep(5 * SECOND).await;
    assert!(call.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn with_zero_a_ready_value_wins_and_a_pending_call_is_over_at_once() {
    let timeout = Timeout::new(Duration::ZERO);
    let ready = Script::<_, ()>::new([Step::ok(1)]);
    assert_eq!(timeout.call(ready.run()).await.unwrap(), 1);

    // Between two ticks of the timer, which would round up.
    tokio::time::advance(Duration::from_micros(500)).await;
    let begin = Instant::now();
    let mut polls = 0;
    let error = timeout
        .call(std::future::poll_fn(|_| {
            polls += 1;
            std::task::Poll::<Result<(), ()>>::Pending
        }))
        .await
        .unwrap_err();
    assert_eq!(polls, 1);
    assert_eq!(error.timed_out().unwrap().elapsed(), Duration::ZERO);
    assert_eq!(begin.elapsed(), Duration::ZERO, "no timer rounds up");
}

#[tokio::test(start_paused = true)]
async fn a_limit_past_the_range_of_the_timer_is_never() {
    let century = 3_155_760_000 * SECOND;
    for limit in [
        MAX_LIMIT + Duration::from_nanos(1),
        century,
        Duration::from_millis(u64::MAX),
        Duration::from_secs(u64::MAX),
        Duration::MAX,
    ] {
        let timeout = Timeout::new(limit);
        let outcome = timeout
            .call(async {
                sleep(MAX_LIMIT / 2).await;
                Ok::<_, ()>(())
            })
            .await;
        assert!(outcome.is_ok(), "{limit:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn boundaries_of_the_limit() {
    let ms = Duration::from_millis(1);
    for limit in [
        Duration::from_nanos(1),
        Duration::from_micros(999),
        ms,
        ms + Duration::from_nanos(1),
        SECOND,
        MAX_LIMIT,
    ] {
        let timeout = Timeout::new(limit);
        let begin = Instant::now();
        let error = timeout.call(never()).await.unwrap_err();
        assert_eq!(error.timed_out().unwrap().limit(), limit);
        // tokio's timer has the resolution of a millisecond, and never fires early.
        assert!(begin.elapsed() >= limit, "{limit:?}");
        assert!(begin.elapsed() <= limit + 2 * ms, "{limit:?}");
    }
}

#[tokio::test]
async fn fires_though_the_call_burns_the_whole_budget_on_every_poll() {
    let timeout = Timeout::new(Duration::from_millis(20));
    let error = timeout
        .call(async {
            loop {
                tokio::task::consume_budget().await;
            }
            #[expect(unreachable_code, reason = "says what the type is")]
            Ok::<(), ()>(())
        })
        .await
        .unwrap_err();
    assert!(error.timed_out().is_some());
}

#[tokio::test(start_paused = true)]
async fn fires_though_the_call_uses_the_budget_up_and_wakes_nobody() {
    for limit in [SECOND, Duration::ZERO] {
        let timeout = Timeout::new(limit);
        let mut polls = 0;
        let call = timeout.call(std::future::poll_fn(|cx| {
            polls += 1;
            while tokio::task::coop::has_budget_remaining() {
                let std::task::Poll::Ready(unit) = tokio::task::coop::poll_proceed(cx) else {
                    unreachable!("there is some left")
                };
                unit.made_progress();
            }
            std::task::Poll::<Result<(), ()>>::Pending
        }));
        let begin = Instant::now();
        assert!(call.await.is_err());
        assert!((limit..=limit + Duration::from_millis(2)).contains(&begin.elapsed()));
        // Once more because no budget was left to set the timer, once when it fires, and once because
        // the call may not have been allowed to take an outcome by then.
        assert!((2..=4).contains(&polls), "{polls}");
    }
}

#[tokio::test]
async fn a_loop_of_zero_timeouts_lets_others_run() {
    let other = tokio::spawn(async {});
    let timeout = Timeout::new(Duration::ZERO);
    while !other.is_finished() {
        assert!(timeout.call(never()).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_call_may_come_from_a_function() {
    let timeout = Timeout::builder()
        .scope(Scope::Attempt)
        .limit_by(|attempt| SECOND * attempt.number())
        .build()
        .unwrap();
    for number in 1..4 {
        let attempt = Attempt::first().numbered(number, 3);
        let begin = Instant::now();
        let op = FromAttemptFn::new(|_| never(), &seawall_core::AllTransient);
        let error = timeout.wrap(op).start(attempt).await.unwrap_err();
        assert_eq!(begin.elapsed(), SECOND * number);
        let timed_out = error.timed_out().unwrap();
        assert_eq!(timed_out.limit(), SECOND * number);
        assert_eq!((timed_out.attempt(), timed_out.max_attempts()), (number, Some(3)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_panics_is_reported_and_leaves_the_default_limit() {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    for (scope, default) in [(Scope::Total, DEFAULT_LIMIT), (Scope::Attempt, DEFAULT_ATTEMPT_LIMIT)]
    {
        let timeout = Timeout::builder()
            .scope(scope)
            .limit_by(|_| panic!("no idea how long"))
            .listeners(&listeners)
            .build()
            .unwrap();
        let op = FromAttemptFn::new(
            |attempt: Attempt| {
                assert_eq!(attempt.time_left(), Some(default));
                never()
            },
            &seawall_core::AllTransient,
        );
        let begin = Instant::now();
        let error = Lazy::new(timeout.wrap(op)).await.unwrap_err();
        assert_eq!((begin.elapsed(), error.timed_out().unwrap().limit()), (default, default));
        let lines: Vec<_> = recorder.take().iter().map(ToString::to_string).collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("timeout 'timeout': panicked: no idea how long"), "{lines:?}");
    }
    let timeout = Timeout::builder().limit_by(|_| panic!("no idea how long")).build().unwrap();
    assert_eq!(timeout.call(async { Ok::<_, ()>(7) }).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn of_nested_timeouts_the_earlier_counts_and_the_operation_can_read_it() {
    let cases = [
        (5 * SECOND, SECOND, SECOND, TimedOutBy::Limit, "inner"),
        (SECOND, 5 * SECOND, SECOND, TimedOutBy::Deadline, "inner"),
        (SECOND, Duration::MAX, SECOND, TimedOutBy::Deadline, "inner"),
        (Duration::MAX, SECOND, SECOND, TimedOutBy::Limit, "inner"),
    ];
    for (outer, inner, left, by, who) in cases {
        let outer = Timeout::builder().name("outer").limit(outer).build().unwrap();
        let inner = Timeout::builder().name("inner").limit(inner).build().unwrap();
        let begin = Instant::now();
        let op = FromAttemptFn::new(
            |attempt: Attempt| {
                assert_eq!(attempt.time_left(), Some(left));
                never()
            },
            &seawall_core::AllTransient,
        );
        let error = Lazy::new(outer.wrap(inner.wrap(op))).await.unwrap_err();
        assert_eq!(begin.elapsed(), left);
        let timed_out = error.timed_out().unwrap();
        assert_eq!((timed_out.policy().as_str(), timed_out.by()), (who, by));
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_at_any_await_drops_all_of_it() {
    let timeout = Timeout::new(10 * SECOND);
    let alive = Alive::default();
    let awaits = at_every_await(
        || {
            let token = alive.token();
            timeout.call(async move {
                let _token = token;
                tokio::task::yield_now().await;
                sleep(SECOND).await;
                Ok::<_, ()>(())
            })
        },
        |_| assert_eq!(alive.now(), 0),
    )
    .await;
    assert_eq!(awaits, 2);
}

#[test]
fn a_call_that_is_ready_needs_no_runtime() {
    let timeout = Timeout::new(SECOND);
    let mut call = std::pin::pin!(timeout.call(async { Ok::<_, ()>(7) }));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Ok(7)) = call.as_mut().poll(&mut cx) else { panic!("not ready") };
}

#[test]
fn an_error_of_the_configuration_names_the_field() {
    let error = Timeout::builder().name("").build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "timeout: name is empty, but must be between 1 and 256 bytes long"
    );
}

#[test]
fn a_description_has_the_longest_time() {
    use seawall_core::Description;
    let text = |timeout: Timeout| timeout.describe(Description::bare()).to_string();
    let fixed = text(Timeout::new(2 * SECOND));
    assert!(fixed.starts_with("timeout 'timeout': 2s for a call\n"), "{fixed}");
    assert!(fixed.ends_with("2s at the longest"), "{fixed}");
    let never = text(Timeout::new(Duration::MAX));
    assert!(never.ends_with("with no limit in time"), "{never}");
}

#[tokio::test(start_paused = true)]
async fn what_fires_takes_its_part_of_the_budget() {
    let timeout = Timeout::new(SECOND);
    let mut calls: Vec<_> = (0..200).map(|_| Box::pin(timeout.call(never()))).collect();
    let mut over = |cx: &mut Context<'_>| {
        let before = calls.len();
        calls.retain_mut(|call| call.as_mut().poll(cx).is_pending());
        before - calls.len()
    };
    assert_eq!(poll_fn(|cx| Poll::Ready(over(cx))).await, 0);
    tokio::time::advance(2 * SECOND).await;
    tokio::task::yield_now().await;
    let at_once = poll_fn(|cx| Poll::Ready(over(cx))).await;
    assert!((1..200).contains(&at_once), "{at_once} in one turn");
}

#[tokio::test(start_paused = true)]
async fn each_attempt_of_an_operation_has_its_deadline() {
    let timeout = Timeout::new(SECOND);
    let told = Mutex::new(Vec::new());
    let op = FromAttemptFn::new(
        |attempt: Attempt| {
            told.lock().push(attempt.time_left());
            async { Ok::<_, ()>(()) }
        },
        &seawall_core::AllTransient,
    );
    let mut op = timeout.wrap(op);
    op.attempt(Attempt::first()).await.unwrap();
    op.attempt(Attempt::first().due_by(Instant::now() + SECOND / 2)).await.unwrap();
    assert_eq!(*told.lock(), [Some(SECOND), Some(SECOND / 2)]);
}
