//! tower-http#214 and the like: panics in the service's own code.

use std::future::{Future, Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use seawall::{Backoff, Pipeline, Retry};
use seawall_tower::PipelineLayer;
use tower::{Layer, Service};

/// Where the service panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    PollReady,
    Call,
    Future,
    DropOfTheFuture,
    DropOfTheService,
}

#[derive(Clone, Debug)]
struct Panicking(Place);

struct PanickingFuture(Place, Ready<io::Result<u32>>);

impl Service<&'static str> for Panicking {
    type Response = u32;
    type Error = io::Error;
    type Future = PanickingFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        assert_ne!(self.0, Place::PollReady, "planned");
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: &'static str) -> PanickingFuture {
        assert_ne!(self.0, Place::Call, "planned");
        let place = std::mem::replace(&mut self.0, Place::Future);
        let place = if place == Place::DropOfTheService {
            self.0 = place;
            Place::Call
        } else {
            place
        };
        PanickingFuture(place, ready(Ok(42)))
    }
}

impl Future for PanickingFuture {
    type Output = io::Result<u32>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        assert_ne!(self.0, Place::Future, "planned");
        Pin::new(&mut self.1).poll(cx)
    }
}

impl Drop for PanickingFuture {
    fn drop(&mut self) {
        let well = self.0 != Place::DropOfTheFuture || std::thread::panicking();
        assert!(well, "planned");
    }
}

impl Drop for Panicking {
    fn drop(&mut self) {
        // Only that which was called: the copies of the test's own are dropped in peace.
        let is_planned = self.0 == Place::DropOfTheService && DROPS.get();
        assert!(!is_planned || std::thread::panicking(), "planned");
    }
}

thread_local! {
    static DROPS: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

#[tokio::test(start_paused = true)]
async fn a_panic_anywhere_in_an_attempt_is_that_attempts_failure() {
    for place in [Place::PollReady, Place::Call, Place::Future] {
        let pipeline = Pipeline::builder("probe")
            .retry(Retry::builder().idempotent().max_attempts(2).backoff(Backoff::none()))
            .guard_panics()
            .build()
            .unwrap();
        let mut service = PipelineLayer::new(pipeline).layer(Panicking(place));
        let error = service.call("a").await.unwrap_err();
        assert!(error.panicked().is_some(), "{place:?}: {error}");
        assert_eq!(error.gave_up().unwrap().attempts, 2, "{place:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_something_is_dropped_does_not_get_out() {
    for place in [Place::DropOfTheFuture, Place::DropOfTheService] {
        let pipeline = Pipeline::builder("probe").guard_panics().build().unwrap();
        let mut service = PipelineLayer::new(pipeline).layer(Panicking(place));
        let call = service.call("a");
        DROPS.set(true);
        let outcome = call.await;
        DROPS.set(false);
        // The answer outlives what is dropped after it; what is dropped before it is a panic.
        match outcome {
            Ok(answer) => assert_eq!(answer, 42),
            Err(error) => assert!(error.panicked().is_some(), "{place:?}: {error}"),
        }
    }
}
