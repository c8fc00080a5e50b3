//! A chain of fallbacks asked the next link where one declined or failed, but a panic in one ended
//! the chain: the value at its end, which can't fail, was not used.

use seawall_core::{EventKind, Listeners};
use seawall_guard::Fallback;
use seawall_testkit::{Recorder, Script, Step};

type Outcome = Result<u32, &'static str>;

fn down() -> std::future::Ready<Outcome> {
    std::future::ready(Err("down"))
}

fn heard() -> (Listeners, Recorder) {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    (listeners, recorder)
}

fn panics(kind: &EventKind) -> Option<String> {
    match kind {
        EventKind::Panicked(report) => Some(report.message.to_string()),
        _ => None,
    }
}

#[tokio::test]
async fn the_next_is_asked_where_a_function_panics() {
    let (listeners, recorder) = heard();
    let fallback = Fallback::with(|_| -> u32 { panic!("first") })
        .or_try_with(|_| -> Option<u32> { panic!("second") })
        .or_value(9)
        .listeners(&listeners)
        .build()
        .unwrap();
    assert_eq!(fallback.call(down()).await.unwrap(), 9);
    assert_eq!((fallback.degraded(), fallback.failed()), (1, 0));
    assert_eq!(recorder.pick(panics), ["first", "second"]);
}

#[tokio::test]
async fn the_next_is_asked_where_making_or_polling_a_future_panics() {
    let (listeners, recorder) = heard();
    let polled = Script::<u32, ()>::new([Step::panic("half-way")]);
    let last = Script::<u32, ()>::new([Step::ok(8)]);
    let (second, third) = (polled.clone(), last.clone());
    let fallback = Fallback::with_async(|_| -> std::future::Ready<Outcome> { panic!("not begun") })
        .or_with_async(move |_| second.run())
        .or_with_async(move |_| third.run())
        .max_concurrent(1)
        .listeners(&listeners)
        .build()
        .unwrap();
    assert_eq!(fallback.call(down()).await.unwrap(), 8);
    assert_eq!((polled.running(), last.running(), fallback.in_flight()), (0, 0, 0));
    assert_eq!(recorder.pick(panics), ["not begun", "half-way"]);
}

/// Declines, and panics when it is dropped.
struct Touchy;

impl Future for Touchy {
    type Output = Outcome;
    fn poll(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Outcome> {
        std::task::Poll::Ready(Err("empty"))
    }
}

impl Drop for Touchy {
    fn drop(&mut self) {
        panic!("touched");
    }
}

#[tokio::test]
async fn the_next_is_asked_where_dropping_a_future_panics() {
    let (listeners, recorder) = heard();
    let last = Script::<u32, ()>::new([Step::ok(8)]);
    let fallback = Fallback::with_async(|_| Touchy)
        .or_with_async(move |_| last.run())
        .listeners(&listeners)
        .build()
        .unwrap();
    assert_eq!(fallback.call(down()).await.unwrap(), 8);
    assert_eq!(recorder.pick(panics), ["touched"]);
}

#[tokio::test]
async fn where_all_panic_the_first_error_stands() {
    let (listeners, recorder) = heard();
    let fallback = Fallback::with(|_| -> u32 { panic!("first") })
        .or_with(|_| -> u32 { panic!("second") })
        .listeners(&listeners)
        .build()
        .unwrap();
    assert_eq!(fallback.call(down()).await.unwrap_err().operation(), Some(&"down"));
    assert_eq!((fallback.degraded(), fallback.failed()), (0, 1));
    assert_eq!(recorder.pick(panics), ["first", "second"]);
}
