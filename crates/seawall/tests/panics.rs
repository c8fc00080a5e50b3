//! A panic that crosses a pipeline of six layers, wherever it starts: the call has an outcome,
//! everything comes back, and the pipeline goes on working.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use seawall::Backoff;
use seawall::Fallback;
use seawall::{Breaker, ByOutcome, CircuitState, Class, Error, Event, Failed, Pipeline, Retry};
use seawall_testkit::Alive;

/// Where the panic starts.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Creation,
    FirstPoll,
    LaterPoll,
    Drop,
    Classifier,
    Backoff,
    Listener,
    Fallback,
    Nowhere,
}

const PLACES: [Place; 9] = [
    Place::Creation,
    Place::FirstPoll,
    Place::LaterPoll,
    Place::Drop,
    Place::Classifier,
    Place::Backoff,
    Place::Listener,
    Place::Fallback,
    Place::Nowhere,
];

thread_local! {
    static BOMB: Cell<Place> = const { Cell::new(Place::Nowhere) };
}

/// Panics if this call's panic starts at `place`.
fn passing(place: Place) {
    assert!(BOMB.get() != place, "at {place:?}");
}

/// Is pending once, then fails or succeeds; panics at the place that is given.
struct Operation {
    polls: u32,
    fails: bool,
    _token: seawall_testkit::Token,
}

impl Future for Operation {
    type Output = Result<u32, &'static str>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.polls += 1;
        if self.polls == 1 {
            passing(Place::FirstPoll);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        passing(Place::LaterPoll);
        Poll::Ready(if self.fails { Err("down") } else { Ok(7) })
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        passing(Place::Drop);
    }
}

const THREADS: u64 = 8;
const CALLS: u64 = 10_000;

#[test]
fn ten_thousand_panics_on_eight_threads_leave_nothing_behind() {
    // The bombs' own messages would drown everything else.
    std::panic::set_hook(Box::new(|panic| {
        if BOMB.get() == Place::Nowhere
            || !panic.payload_as_str().is_some_and(|text| text.starts_with("at "))
        {
            eprintln!("{panic}, bomb {:?}", BOMB.get());
        }
    }));
    let alive = Alive::default();
    let second = Duration::from_secs(1);
    let breaker = Breaker::builder()
        .name("warehouse")
        .without_consecutive_failures()
        .failure_rate(1.0)
        .count_window(1000)
        .min_calls(1000)
        .build()
        .unwrap();
    let fallback = Fallback::with(|_: &Error<Failed<u32, &'static str>>| {
        passing(Place::Fallback);
        0
    });
    let pipeline = Pipeline::builder("inventory")
        .fallback(fallback.when(|class| class == Class::Transient))
        .timeout(120 * second)
        .retry(
            Retry::builder().idempotent().max_attempts(2).backoff(
                Backoff::from_fn(|_| {
                    passing(Place::Backoff);
                    Duration::ZERO
                })
                // What is waited where the function panics.
                .max(Duration::from_millis(1)),
            ),
        )
        .breaker(breaker.clone())
        .attempt_timeout(60 * second)
        .guard_panics()
        .classify(ByOutcome(|outcome: Result<&u32, &&str>| {
            passing(Place::Classifier);
            outcome.map_or(Class::Transient, |_| Class::Success)
        }))
        .listener(|_: &Event| passing(Place::Listener))
        .build()
        .unwrap();
    breaker.listeners().add(|_: &Event| passing(Place::Listener));

    let (pipeline, tokens) = (&pipeline, &alive);
    let call = |place: Place, fails: bool| {
        BOMB.set(place);
        let outcome = pipeline.call(move || {
            passing(Place::Creation);
            Operation { polls: 0, fails, _token: tokens.token() }
        });
        async move {
            let outcome = outcome.await;
            BOMB.set(Place::Nowhere);
            outcome
        }
    };
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let call = &call;
            scope.spawn(move || {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                runtime.block_on(async {
                    for n in 0..CALLS / THREADS {
                        // Seeded: the placements are the same on every run.
                        let dice = (thread * CALLS + n).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
                        let place = PLACES[usize::try_from(dice % 9).unwrap()];
                        let fails = dice & 64 != 0;
                        let outcome = call(place, fails).await;
                        let guarded = [Place::Creation, Place::FirstPoll, Place::LaterPoll];
                        if guarded.contains(&place) {
                            let error = outcome.unwrap_err();
                            assert!(error.panicked().is_some(), "{place:?} gave {error:?}");
                        }
                    }
                });
            });
        }
    });

    assert_eq!(alive.now(), 0, "an operation was leaked");
    let snapshot = breaker.snapshot();
    assert_eq!(snapshot.state, CircuitState::Closed);
    assert_eq!((snapshot.probes_in_flight, snapshot.in_flight.unwrap_or(0)), (0, 0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        for _ in 0..100 {
            assert_eq!(call(Place::Nowhere, false).await.unwrap(), 7);
        }
    });
}
