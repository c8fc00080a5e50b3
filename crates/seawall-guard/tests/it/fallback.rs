//! When a fallback answers, and what it leaves alone.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use seawall_core::{
    Class, Event, EventKind, Evidence, FromFuture, Lazy, Listeners, Policy, Reason, Rule,
};
use seawall_guard::Fallback;
use seawall_testkit::{Alive, Recorder, Script, Step, at_every_await};
use tokio::time::sleep;

type Outcome = Result<u32, &'static str>;

const SECOND: Duration = Duration::from_secs(1);

fn down() -> std::future::Ready<Outcome> {
    std::future::ready(Err("down"))
}

fn heard() -> (Listeners, Recorder) {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    (listeners, recorder)
}

#[tokio::test]
async fn a_success_goes_through_and_nothing_is_begun() {
    let (listeners, recorder) = heard();
    let fallback =
        Fallback::with(|_| -> u32 { panic!("not asked") }).listeners(&listeners).build().unwrap();
    assert_eq!(fallback.call(async { Outcome::Ok(1) }).await.unwrap(), 1);
    assert_eq!((fallback.degraded(), fallback.failed()), (0, 0));
    assert!(recorder.events().is_empty());
}

#[tokio::test]
async fn by_value_by_function_and_by_async_function() {
    let value = Fallback::value(7).build().unwrap();
    assert_eq!(value.call(down()).await.unwrap(), 7);

    let function = Fallback::with(|error| u32::from(error.operation() == Some(&"down")));
    assert_eq!(function.build().unwrap().call(down()).await.unwrap(), 1);

    let script = Script::<_, ()>::new([Step::ok(8)]);
    let run = script.clone();
    let asynchronous = Fallback::with_async(move |_| run.run()).build().unwrap();
    assert_eq!(asynchronous.call(down()).await.unwrap(), 8);
    assert_eq!(script.running(), 0);
}

#[tokio::test]
async fn an_answer_is_marked_as_degraded() {
    let (listeners, recorder) = heard();
    let fallback = Fallback::value(7).name("prices").listeners(&listeners).build().unwrap();
    fallback.call(down()).await.unwrap();
    let events = recorder.take();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].to_string(), "fallback 'prices': degraded: fell back from transient");
    assert_eq!(fallback.degraded(), 1);
}

#[tokio::test]
async fn only_chosen_classes_are_fallen_back_from() {
    let classify = |class: Class| move |_: &&'static str| class;
    let retry_after = None;
    let table = [
        (Class::Transient, true),
        (Class::Overloaded { retry_after }, true),
        (Class::Panicked, true),
        (Class::Ignored, true),
        (Class::Permanent, false),
        (Class::Cancelled, false),
    ];
    let by_default = Fallback::value(7).build().unwrap();
    let opposite = Fallback::value(7)
        .when(|class| matches!(class, Class::Permanent | Class::Cancelled))
        .build()
        .unwrap();
    for (class, falls_back) in table {
        let classify = classify(class);
        let call = by_default.wrap(FromFuture::new(down(), &classify));
        assert_eq!(Lazy::new(call).await.is_ok(), falls_back, "{class:?}");
        let call = opposite.wrap(FromFuture::new(down(), &classify));
        assert_eq!(Lazy::new(call).await.is_ok(), !falls_back, "{class:?}");
    }
}

#[tokio::test]
async fn a_fallback_that_fails_keeps_the_first_error() {
    let (listeners, recorder) = heard();
    let fallback = Fallback::with_async(|_| async { Err::<u32, _>("cache is empty") })
        .listeners(&listeners)
        .build()
        .unwrap();
    let error = fallback.call(down()).await.unwrap_err();
    assert_eq!(error.operation(), Some(&"down"));
    assert_eq!((fallback.degraded(), fallback.failed()), (0, 1));
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::FallbackFailed { .. })), 1);
}

#[tokio::test]
async fn a_chain_asks_one_after_the_other_until_one_answers() {
    let empty = Script::<u32, _>::new([Step::err("empty")]);
    let stale = Script::<u32, ()>::new([Step::ok(3)]);
    let (first, third) = (empty.clone(), stale.clone());
    let fallback = Fallback::with_async(move |_| first.run())
        .or_try_with(|error| (error.class() == Class::Permanent).then_some(1))
        .or_with_async(move |_| third.run())
        .or_value(9)
        .build()
        .unwrap();
    assert_eq!(fallback.call(down()).await.unwrap(), 3);
    assert_eq!((empty.started(), stale.started()), (1, 1));
    assert_eq!(fallback.degraded(), 1);

    let nothing = Fallback::try_with(|_| None::<u32>).or_try_with(|_| None).build().unwrap();
    let error = nothing.call(down()).await.unwrap_err();
    assert_eq!(error.operation(), Some(&"down"), "the first error, whoever failed after it");
    assert_eq!(nothing.failed(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_bound_on_fallbacks_under_way() {
    let (listeners, recorder) = heard();
    let slow = Script::<_, ()>::new([Step::after(SECOND, Ok(7))]);
    let fallback = Fallback::with_async(move |_| slow.run())
        .max_concurrent(2)
        .listeners(&listeners)
        .build()
        .unwrap();
    let (a, b, c) =
        tokio::join!(fallback.call(down()), fallback.call(down()), fallback.call(down()));
    assert_eq!((a.unwrap(), b.unwrap()), (7, 7));
    assert_eq!(c.unwrap_err().operation(), Some(&"down"));
    assert_eq!((fallback.refused(), fallback.in_flight()), (1, 0));
    let full = recorder.pick(|kind| match kind {
        EventKind::Rejected(rejection) => Some(rejection.clone()),
        _ => None,
    });
    assert_eq!(full.len(), 1);
    assert_eq!(full[0].reason(), Reason::Full);
    assert_eq!(full[0].evidence(), Some(Evidence::new(Rule::InFlight, 2.0, 2.0, 0)));
    assert_eq!(fallback.call(down()).await.unwrap(), 7, "the places are back");
}

#[tokio::test(start_paused = true)]
async fn dropped_at_any_await_the_place_is_back() {
    let alive = Alive::default();
    let answers = alive.clone();
    let fallback = Fallback::with_async(move |_| {
        let token = answers.token();
        async move {
            let _token = token;
            tokio::task::yield_now().await;
            sleep(SECOND).await;
            Ok::<_, ()>(7)
        }
    })
    .max_concurrent(1)
    .build()
    .unwrap();
    let awaits = at_every_await(
        || {
            fallback.call(async {
                tokio::task::yield_now().await;
                Outcome::Err("down")
            })
        },
        |_| assert_eq!((alive.now(), fallback.in_flight()), (0, 0)),
    )
    .await;
    assert_eq!(awaits, 3);
    assert_eq!(fallback.refused(), 0);
}

/// Keeps its token until it is dropped, although it is over.
struct Keeps(#[expect(dead_code, reason = "held")] seawall_testkit::Token);
impl Future for Keeps {
    type Output = Result<usize, &'static str>;
    fn poll(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::task::Poll::Ready(Err("down"))
    }
}

#[tokio::test]
async fn the_call_is_dropped_before_the_fallback_begins() {
    let alive = Alive::default();
    let token = alive.token();
    let fallback = Fallback::with(move |_| alive.now()).build().unwrap();
    assert_eq!(fallback.call(Keeps(token)).await.unwrap(), 0);
}

#[tokio::test]
async fn panics_of_the_callbacks_are_contained_and_keep_the_first_error() {
    let (listeners, recorder) = heard();
    let panics = |kind: &EventKind| matches!(kind, EventKind::Panicked(_));

    let predicate =
        Fallback::value(7).when(|_| panic!("which class?")).listeners(&listeners).build().unwrap();
    assert_eq!(predicate.call(down()).await.unwrap_err().operation(), Some(&"down"));

    let function =
        Fallback::with(|_| -> u32 { panic!("what value?") }).listeners(&listeners).build().unwrap();
    assert_eq!(function.call(down()).await.unwrap_err().operation(), Some(&"down"));

    let making = Fallback::with_async(|_| -> std::future::Ready<Outcome> { panic!("not begun") })
        .listeners(&listeners)
        .max_concurrent(1)
        .build()
        .unwrap();
    assert_eq!(making.call(down()).await.unwrap_err().operation(), Some(&"down"));

    let polling = Script::<u32, ()>::new([Step::panic("half-way")]);
    let polling = Fallback::with_async(move |_| polling.run())
        .listeners(&listeners)
        .max_concurrent(1)
        .build()
        .unwrap();
    assert_eq!(polling.call(down()).await.unwrap_err().operation(), Some(&"down"));
    assert_eq!((making.in_flight(), polling.in_flight()), (0, 0));
    assert_eq!(recorder.count(panics), 4);
}

#[test]
fn a_bound_of_zero_is_refused() {
    let error = Fallback::<_, ()>::value(()).max_concurrent(0).build().unwrap_err();
    assert_eq!(error.to_string(), "fallback: max_concurrent is 0, but must be at least 1");
}

#[tokio::test]
async fn the_permit_is_back_before_listeners_hear_of_the_end() {
    let in_flight = Arc::new(Mutex::new(Vec::new()));
    let answers = Fallback::value(7).max_concurrent(1).build().unwrap();
    let declines = Fallback::try_with(|_| None::<u32>).max_concurrent(1).build().unwrap();
    for fallback in [&answers, &declines] {
        let (handle, seen) = (fallback.clone(), Arc::clone(&in_flight));
        fallback.listeners().add(move |_: &Event| seen.lock().push(handle.in_flight()));
    }
    assert!(answers.call(down()).await.is_ok());
    assert!(declines.call(down()).await.is_err());
    assert_eq!(*in_flight.lock(), [0, 0]);
}
