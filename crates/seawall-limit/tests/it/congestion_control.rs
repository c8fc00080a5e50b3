//! Calls with congestion control around them, under paused time.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::{AllTransient, Class, Error, FromFn, Lazy, Policy, Reason, StopReason};
use seawall_limit::{CongestionControl, WhileDown};
use seawall_testkit::{Recorder, Script, Step, at_every_await};
use tokio::time::{Instant, advance, sleep};
use tokio_util::sync::CancellationToken;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

type Failure = &'static str;

fn repeating() -> CongestionControl {
    CongestionControl::builder().idempotent().build().unwrap()
}

/// A call with a deadline of a second.
async fn call<Fut>(
    control: &CongestionControl,
    make: impl FnMut() -> Fut,
) -> Result<u32, Error<Failure>>
where
    Fut: Future<Output = Result<u32, Failure>>,
{
    let call = control.wrap(FromFn::new(make, &AllTransient));
    Lazy::new(call).deadline(Instant::now() + SECOND).await
}

/// Makes `control` know that answers take 10 ms.
async fn warm(control: &CongestionControl) {
    for _ in 0..200 {
        let quick = || async {
            sleep(10 * MS).await;
            Ok(7)
        };
        call(control, quick).await.unwrap();
    }
}

fn script(steps: impl IntoIterator<Item = Step<u32, Failure>>) -> Script<u32, Failure> {
    Script::new(steps)
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_repeated_where_that_does_no_harm() {
    let operation = script([Step::err("down"), Step::err("down"), Step::ok(7)]);
    assert_eq!(call(&repeating(), || operation.run()).await.unwrap(), 7);
    assert_eq!(operation.started(), 3);

    let operation = script([Step::err("down")]);
    let once = CongestionControl::builder().build().unwrap();
    let error = call(&once, || operation.run()).await.unwrap_err();
    assert_eq!(error.gave_up().unwrap().why, StopReason::NotIdempotent);
    assert_eq!(operation.started(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_carried_out_is_repeated_in_any_case() {
    let control = CongestionControl::builder().build().unwrap();
    let operation = script([Step::err("overloaded"), Step::ok(7)]);
    let hint = Some(300 * MS);
    let class = |_: &Failure| Class::Overloaded { retry_after: hint }.not_carried_out();
    let wrapped = control.wrap(FromFn::new(|| operation.run(), &class));
    let began = Instant::now();
    assert_eq!(Lazy::new(wrapped).deadline(began + SECOND).await.unwrap(), 7);
    assert!(began.elapsed() >= 300 * MS, "not before it asked for it");
}

#[tokio::test(start_paused = true)]
async fn three_attempts_are_all() {
    let operation = script([Step::err("down")]);
    let error = call(&repeating(), || operation.run()).await.unwrap_err();
    let gave_up = error.gave_up().unwrap();
    assert_eq!((gave_up.attempts, gave_up.why), (3, StopReason::Attempts));
    assert_eq!((error.operation(), operation.started()), (Some(&"down"), 3));
}

#[tokio::test(start_paused = true)]
async fn a_permanent_error_ends_the_call() {
    let operation = script([Step::err("not found")]);
    let class = |_: &Failure| Class::Permanent;
    let control = repeating();
    let error = Lazy::new(control.wrap(FromFn::new(|| operation.run(), &class))).await.unwrap_err();
    assert!(matches!(error, Error::Operation { .. }));
    assert_eq!(operation.started(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_overtaken_gets_another_beside_it() {
    let control = repeating();
    warm(&control).await;
    let recorder = Recorder::default();
    control.listeners().add(recorder.clone());
    let operation = script([Step::never(), Step::after(10 * MS, Ok(7))]);
    let began = Instant::now();
    let lost = async { (call(&control, || operation.run()).await, began.elapsed()) };
    let others = async {
        for _ in 0..20 {
            call(&control, || async {
                sleep(10 * MS).await;
                Ok(1)
            })
            .await
            .unwrap();
        }
    };
    let ((answer, took), ()) = tokio::join!(lost, others);
    assert_eq!((answer.unwrap(), operation.started()), (7, 2));
    assert!(took < 200 * MS, "{took:?}");
    assert_eq!((operation.running(), control.snapshot().in_flight), (0, 0));
    recorder.assert_kinds(&["hedged"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_beside_a_request_that_may_not_be_repeated() {
    let control = CongestionControl::builder().build().unwrap();
    warm(&control).await;
    let operation = script([Step::after(900 * MS, Ok(7))]);
    let slow = call(&control, || operation.run());
    let others = async {
        for _ in 0..50 {
            call(&control, || async {
                sleep(10 * MS).await;
                Ok(1)
            })
            .await
            .unwrap();
        }
    };
    let (answer, ()) = tokio::join!(slow, others);
    assert_eq!((answer.unwrap(), operation.started()), (7, 1));
}

#[tokio::test(start_paused = true)]
async fn in_a_slowdown_nothing_is_repeated() {
    let control = Arc::new(repeating());
    warm(&control).await;
    let operation = Arc::new(script([Step::after(400 * MS, Ok(7))]));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (control, operation) = (Arc::clone(&control), Arc::clone(&operation));
        calls.spawn(async move { call(&control, || operation.run()).await.is_ok() });
        sleep(20 * MS).await;
    }
    assert!(calls.join_all().await.into_iter().all(|answered| answered));
    assert_eq!(operation.started(), 50);
}

/// Takes the dependency down.
async fn down(control: &CongestionControl) {
    warm(control).await;
    for _ in 0..40 {
        let failed = call(control, || async {
            sleep(10 * MS).await;
            Err("down")
        });
        failed.await.unwrap_err();
        if control.snapshot().down {
            return;
        }
    }
    panic!("{:?}", control.snapshot());
}

#[tokio::test(start_paused = true)]
async fn while_it_is_down_calls_are_refused_with_the_evidence() {
    let control = CongestionControl::builder().name("stock").while_down(WhileDown::Refuse);
    let control = control.build().unwrap();
    let recorder = Recorder::default();
    control.listeners().add(recorder.clone());
    down(&control).await;
    let began = Instant::now();
    let error = loop {
        let failed = call(&control, || async {
            sleep(10 * MS).await;
            Err("down")
        });
        let error = failed.await.unwrap_err();
        if error.rejection().is_some() {
            break error;
        }
    };
    // Within the first deadline of an outage calls wait.
    assert!((700 * MS..1_100 * MS).contains(&began.elapsed()), "{:?}", began.elapsed());
    let rejection = error.rejection().unwrap();
    assert_eq!(rejection.reason(), Reason::Open);
    assert!(rejection.retry_after().is_some_and(|after| after > Duration::ZERO));
    let text = rejection.to_string();
    assert!(text.starts_with("congestion control 'stock': open"), "{text}");
    assert!(text.contains("failures in a row, limit 20"), "{text}");
    // A probe brings it back.
    advance(SECOND).await;
    assert_eq!(call(&control, || async { Ok(7) }).await.unwrap(), 7);
    assert!(!control.snapshot().down);
    assert_eq!(recorder.path(), ["closed → open", "open → closed"]);
}

#[tokio::test(start_paused = true)]
async fn while_it_is_down_calls_wait_and_are_answered_when_it_is_back() {
    let control = Arc::new(CongestionControl::builder().build().unwrap());
    down(&control).await;
    let mut calls = tokio::task::JoinSet::new();
    let back = Instant::now() + 300 * MS;
    for _ in 0..10 {
        let control = Arc::clone(&control);
        calls.spawn(async move {
            let answer = || async move {
                sleep(10 * MS).await;
                if Instant::now() < back { Err("down") } else { Ok(7) }
            };
            call(&control, answer).await.is_ok()
        });
    }
    let answered = calls.join_all().await.into_iter().filter(|answered| *answered).count();
    assert!(answered >= 8, "{answered} of 10: the others probed");
    assert!(!control.snapshot().down);
}

#[tokio::test(start_paused = true)]
async fn a_call_with_too_little_time_is_refused_at_once() {
    let control = repeating();
    warm(&control).await;
    let operation = script([Step::ok(7)]);
    let wrapped = control.wrap(FromFn::new(|| operation.run(), &AllTransient));
    let error = Lazy::new(wrapped).deadline(Instant::now() + 5 * MS).await.unwrap_err();
    assert_eq!(error.rejection().unwrap().reason(), Reason::DeadlineTooNear);
    assert_eq!(operation.started(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_waits_and_repetitions() {
    let token = CancellationToken::new();
    let control = CongestionControl::builder().idempotent().shutdown(token.clone());
    let control = control.build().unwrap();
    let operation = script([Step::err("down"), Step::ok(7)]);
    let stop = async {
        sleep(MS).await;
        token.cancel();
    };
    let (outcome, ()) = tokio::join!(call(&control, || operation.run()), stop);
    let error = outcome.unwrap_err();
    assert_eq!(error.operation(), Some(&"down"));
    assert_eq!(operation.started(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_an_attempt_is_made_gives_its_place_back() {
    let control = Arc::new(repeating());
    let other = Arc::clone(&control);
    let panics = tokio::spawn(async move {
        let make = || -> std::future::Ready<Result<u32, Failure>> { panic!("no request") };
        let _ = call(&other, make).await;
    });
    assert!(panics.await.unwrap_err().is_panic());
    advance(SECOND).await;
    call(&control, || async { Ok(7) }).await.unwrap();
    assert_eq!((control.snapshot().in_flight, control.snapshot().lingering), (0, 0));
}

/// Dropped at each await of a call that fails, pauses, repeats, waits in the queue and is overtaken.
#[tokio::test(start_paused = true)]
async fn dropped_at_any_await_everything_comes_back() {
    let control = repeating();
    warm(&control).await;
    let check = |_: Option<Result<u32, Error<Failure>>>| {
        let state = control.snapshot();
        assert_eq!(state.in_flight as usize, state.lingering, "{state:?}");
        assert_eq!(state.waiting, 0, "{state:?}");
    };
    let steps = || [Step::after(MS, Err("down")), Step::after(MS, Err("down")), Step::ok(7)];
    let awaits = at_every_await(
        || {
            let operation = script(steps());
            let control = &control;
            async move { call(control, || operation.run()).await }
        },
        check,
    )
    .await;
    assert!(awaits >= 4, "{awaits}");
    advance(10 * SECOND).await;
    call(&control, || async { Ok(7) }).await.unwrap();
    assert_eq!(control.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn dropped_in_the_queue_the_place_goes_to_the_next() {
    let control = repeating();
    let busy = (0..20).map(|_| control.wrap(never()));
    let mut busy: Vec<_> = busy.map(Lazy::new).map(Box::pin).collect();
    for call in &mut busy {
        assert!(futures_now(call.as_mut()).await.is_none());
    }
    assert_eq!(control.snapshot().in_flight, 20);
    at_every_await(
        || call(&control, || async { Ok(7) }),
        |_| assert_eq!(control.snapshot().waiting, 0),
    )
    .await;
    drop(busy);
    advance(10 * SECOND).await;
    call(&control, || async { Ok(7) }).await.unwrap();
    assert_eq!(control.snapshot().in_flight, 0);
}

/// An operation that never ends.
fn never() -> impl seawall_core::Operation<Output = u32, Error = Failure> {
    FromFn::new(std::future::pending::<Result<u32, Failure>>, &AllTransient)
}

/// Polls once.
async fn futures_now<Fut: Future + Unpin>(mut future: Fut) -> Option<Fut::Output> {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut future).poll(cx) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[test]
fn no_attempts_are_refused() {
    let error = CongestionControl::builder().max_attempts(0).build().unwrap_err();
    assert_eq!(error.to_string(), "congestion control: max_attempts is 0, but must be at least 1");
}
