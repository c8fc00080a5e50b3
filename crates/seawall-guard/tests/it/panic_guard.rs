//! What a panic guard catches, and how it reports it.

use std::panic::panic_any;
use std::pin::Pin;
use std::task::{Context, Poll};

use seawall_core::{
    AllTransient, Class, Description, EventKind, FromFn, Lazy, Listeners, Operation, Policy,
};
use seawall_guard::PanicGuard;
use seawall_testkit::{Alive, Recorder, Script, Step, at_every_await};

fn guard() -> PanicGuard {
    PanicGuard::builder().name("guard").build().unwrap()
}

type Outcome = Result<u32, &'static str>;

#[tokio::test]
async fn an_outcome_goes_through() {
    let guard = guard();
    assert_eq!(guard.call(async { Ok::<_, ()>(1) }).await.unwrap(), 1);
    let error = guard.call(async { Outcome::Err("down") }).await.unwrap_err();
    assert_eq!(error.operation(), Some(&"down"));
    assert_eq!(guard.caught(), 0);
}

#[tokio::test]
async fn a_panic_in_creating_the_operation_is_caught() {
    let guard = guard();
    let make = || -> std::future::Ready<Outcome> { panic!("not even begun") };
    let error = Lazy::new(guard.wrap(FromFn::new(make, &AllTransient))).await.unwrap_err();
    assert_eq!(error.class(), Class::Panicked);
    assert_eq!(&*error.panicked().unwrap().report.message, "not even begun");

    let mut again = guard.wrap(FromFn::new(make, &AllTransient));
    assert!(again.attempt(seawall_core::Attempt::first()).await.is_err());
    assert_eq!(guard.caught(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_panic_at_any_poll_is_caught_and_the_call_dropped_before_the_error_is_returned() {
    let guard = guard();
    let second = std::time::Duration::from_secs(1);
    let script =
        Script::<u32, ()>::new([Step::panic("first"), Step::panic_after(second, "second")]);
    for message in ["first", "second"] {
        let mut call = std::pin::pin!(guard.call(script.run()));
        let error = call.as_mut().await.unwrap_err();
        assert_eq!(&*error.panicked().unwrap().report.message, message);
        assert_eq!(script.running(), 0, "though the future itself is still here");
    }
}

/// Panics when it is dropped.
struct Touchy(Poll<Outcome>);

impl Future for Touchy {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Outcome> {
        self.0
    }
}

impl Drop for Touchy {
    fn drop(&mut self) {
        panic!("touched");
    }
}

#[tokio::test]
async fn a_panic_in_the_drop_after_an_outcome_is_reported_and_the_outcome_stands() {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let guard = PanicGuard::builder().listeners(&listeners).build().unwrap();
    assert_eq!(guard.call(Touchy(Poll::Ready(Ok(7)))).await.unwrap(), 7);
    assert_eq!(guard.caught(), 1);
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::Panicked(_))), 1);
}

#[tokio::test]
async fn a_panic_in_the_drop_of_an_abandoned_call_is_caught() {
    let guard = guard();
    let mut call = Box::pin(guard.call(Touchy(Poll::Pending)));
    assert!(futures_poll(call.as_mut()).is_pending());
    drop(call);
    assert_eq!(guard.caught(), 1);
}

#[tokio::test]
async fn a_panic_in_the_poll_and_one_in_the_drop_are_two_and_the_first_is_the_error() {
    struct Both;
    impl Future for Both {
        type Output = Outcome;
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Outcome> {
            panic!("first")
        }
    }
    impl Drop for Both {
        fn drop(&mut self) {
            panic!("second")
        }
    }
    let guard = guard();
    let error = guard.call(Both).await.unwrap_err();
    assert_eq!(&*error.panicked().unwrap().report.message, "first");
    assert_eq!(guard.caught(), 2);
}

#[tokio::test]
async fn never_polled_again_after_a_panic() {
    let guard = guard();
    let mut polls = 0;
    let inner = std::future::poll_fn(|_| -> Poll<Outcome> {
        polls += 1;
        panic!("once")
    });
    let mut call = Box::pin(guard.call(inner));
    assert!(call.as_mut().await.is_err());
    let again = seawall_core::contain(|| futures_poll(call.as_mut()));
    assert!(again.is_err(), "polling again is a misuse");
    drop(call);
    assert_eq!(polls, 1);
}

#[tokio::test]
async fn the_location_comes_from_the_hook() {
    let guard = guard();
    let line = line!() + 2;
    let breaks = || -> std::future::Ready<Outcome> {
        panic!("here");
    };
    let call = guard.wrap(FromFn::new(breaks, &AllTransient));
    let error = Lazy::new(call).await.unwrap_err();
    let report = &error.panicked().unwrap().report;
    let location = report.location.as_deref().unwrap();
    assert!(location.contains(&format!("panic_guard.rs:{line}:")), "{location}");
    assert!(report.backtrace.is_none(), "not switched on");
}

#[tokio::test]
async fn a_payload_that_is_not_text_is_named_by_its_type() {
    struct Odd;
    let guard = PanicGuard::builder().payload_type::<Odd>().build().unwrap();
    let message = async |f: fn()| {
        let error = guard
            .call(async move {
                f();
                Outcome::Ok(1)
            })
            .await
            .unwrap_err();
        error.panicked().unwrap().report.message.to_string()
    };
    assert_eq!(message(|| panic!("a literal")).await, "a literal");
    assert_eq!(message(|| panic!("{}", "formatted")).await, "formatted");
    assert_eq!(message(|| panic_any(Box::<str>::from("boxed"))).await, "boxed");
    assert_eq!(message(|| panic_any(7_i32)).await, "i32: 7");
    assert!(message(|| panic_any(Odd)).await.ends_with("::Odd"));
    assert!(message(|| panic_any([1_u8; 3])).await.starts_with("payload of an unlisted type"));
}

#[tokio::test]
async fn a_guard_needs_no_unwind_safety() {
    let guard = guard();
    let cell = std::cell::Cell::new(1);
    let shared = &cell;
    let outcome = guard
        .call(async {
            shared.set(2);
            Ok::<_, ()>(shared.get())
        })
        .await;
    assert_eq!(outcome.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_at_any_await_drops_all_of_it() {
    let guard = guard();
    let alive = Alive::default();
    let awaits = at_every_await(
        || {
            let token = alive.token();
            guard.call(async move {
                let _token = token;
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
                assert_eq!(1, 2, "at the end");
                Outcome::Ok(1)
            })
        },
        |_| assert_eq!(alive.now(), 0),
    )
    .await;
    assert_eq!(awaits, 2);
    assert_eq!(guard.caught(), 1);
}

#[test]
fn a_backtrace_needs_the_hook() {
    let error = PanicGuard::builder().without_hook().backtrace().build().unwrap_err();
    assert_eq!(error.field, "backtrace");
}

fn futures_poll<Fut: Future>(future: Pin<&mut Fut>) -> Poll<Fut::Output> {
    future.poll(&mut Context::from_waker(std::task::Waker::noop()))
}

#[tokio::test]
async fn a_guard_that_is_switched_off_lets_panics_through_and_is_not_described() {
    let guard = PanicGuard::builder().disabled().backtrace().build().unwrap();
    assert!(!guard.can_catch());
    assert!(guard.describe(Description::bare()).layers().is_empty());
    assert_eq!(guard.call(async { Ok::<_, ()>(7) }).await.unwrap(), 7);
    let spawned = guard.clone();
    let polled =
        tokio::spawn(
            async move { spawned.call(async { panic!("boom") as Outcome }).await.is_ok() },
        );
    let panicked = polled.await.unwrap_err().into_panic();
    assert_eq!(panicked.downcast_ref::<&str>(), Some(&"boom"));
    assert_eq!(guard.caught(), 0);
}
