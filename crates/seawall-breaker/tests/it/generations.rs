//! An outcome counts only in the generation that admitted its call, and each admission is accounted
//! exactly once.
#![expect(clippy::unchecked_time_subtraction, reason = "the numbers are in sight")]

use std::time::Duration;

use seawall_breaker::{Abandoned, Breaker, BreakerBuilder, Settlement, Snapshot};
use seawall_core::{CircuitState, Class, EventKind, Reason};
use seawall_testkit::Recorder;
use tokio::time::advance;

const WAIT: Duration = Duration::from_millis(100);

fn fragile() -> BreakerBuilder {
    Breaker::builder().consecutive_failures(2).open_wait(WAIT).probes(2).tally()
}

fn open(breaker: &Breaker) {
    for _ in 0..2 {
        breaker.try_acquire().unwrap().failure(Class::Transient);
    }
    assert_eq!(breaker.state(), CircuitState::Open);
}

fn conserved(snapshot: &Snapshot) {
    let totals = &snapshot.totals;
    let settled = totals.successes.unwrap()
        + totals.failures
        + totals.ignored
        + totals.abandoned
        + totals.stale
        + totals.unmeasured;
    assert_eq!(totals.admitted, Some(settled + snapshot.in_flight.unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_slow_call_of_the_closed_state_decides_nothing_later() {
    let breaker = fragile().build().unwrap();
    let recorder = Recorder::default();
    breaker.listeners().add(recorder.clone());
    let slow = [(); 4].map(|()| breaker.try_acquire().unwrap());
    open(&breaker);
    let [first, second, third, fourth] = slow;
    assert_eq!(first.success(), Settlement::Stale);
    assert_eq!(breaker.state(), CircuitState::Open);
    advance(WAIT).await;
    let probe = breaker.try_acquire().unwrap();
    assert!(probe.is_probe());
    assert_eq!(second.success(), Settlement::Stale);
    assert_eq!(third.failure(Class::Transient), Settlement::Stale);
    drop(fourth);
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.probes_in_flight), (CircuitState::HalfOpen, 1));
    assert_eq!(snapshot.totals.stale, 3);
    assert_eq!(snapshot.in_flight, Some(1));
    conserved(&snapshot);
    assert_eq!(probe.success(), Settlement::Counted);
    let stale = |at| {
        recorder.count(
            |kind| matches!(kind, EventKind::Stale { admitted: 0, current, .. } if *current == at),
        )
    };
    assert_eq!((stale(1), stale(2)), (1, 2), "each says what admitted it and when it came");
}

#[tokio::test(start_paused = true)]
async fn ignored_and_dropped_probes_give_their_slot_back_and_record_nothing() {
    let breaker = fragile().build().unwrap();
    open(&breaker);
    advance(WAIT).await;
    for _ in 0..10 {
        let (one, two) = (breaker.try_acquire().unwrap(), breaker.try_acquire().unwrap());
        assert_eq!(breaker.try_acquire().unwrap_err().reason(), Reason::ProbesInFlight);
        assert_eq!(one.ignore(), Settlement::Ignored);
        drop(two);
        assert_eq!(breaker.state(), CircuitState::HalfOpen);
    }
    let one = breaker.try_acquire().unwrap();
    assert_eq!(one.settle(Class::Cancelled), Settlement::Ignored);
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.totals.ignored, snapshot.totals.abandoned), (11, 10));
    assert_eq!(snapshot.probes_in_flight, 0);
    conserved(&snapshot);
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_call_can_count_as_a_failure() {
    let breaker = fragile().abandoned_as(Abandoned::Failure).build().unwrap();
    drop(breaker.try_acquire().unwrap());
    assert_eq!(breaker.state(), CircuitState::Closed);
    drop(breaker.try_acquire().unwrap());
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_wherever_the_permit_is() {
    let breaker = fragile().build().unwrap();
    let panicking = std::panic::AssertUnwindSafe(|| {
        breaker.call_blocking(|| -> Result<(), ()> { panic!("boom") })
    });
    assert!(std::panic::catch_unwind(panicking).is_err());
    assert_eq!(breaker.snapshot().totals.failures, 1);
    // The future is caught by its poll and dropped when nothing panics any more.
    let future = breaker.call(async { panic!("boom") as Result<(), ()> });
    let mut future = Box::pin(future);
    let poll = std::panic::AssertUnwindSafe(|| {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let _ = std::future::Future::poll(future.as_mut(), &mut cx);
    });
    assert!(std::panic::catch_unwind(poll).is_err());
    assert_eq!(breaker.snapshot().totals.failures, 2);
    drop(future);
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.totals.failures, snapshot.totals.abandoned), (2, 0));
    assert_eq!(snapshot.state, CircuitState::Open);
    conserved(&snapshot);
}

#[tokio::test(start_paused = true)]
async fn a_success_whose_result_is_dropped_is_a_success() {
    let breaker = fragile().build().unwrap();
    drop(breaker.call(async { Ok::<_, ()>(vec![1]) }).await);
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.totals.successes, snapshot.totals.abandoned), (Some(1), 0));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_ends_frees_the_slot_and_what_comes_later_is_stale() {
    let lease = Duration::from_secs(1);
    let breaker = fragile().probes(1).lease(lease).build().unwrap();
    let recorder = Recorder::default();
    breaker.listeners().add(recorder.clone());
    open(&breaker);
    advance(WAIT).await;
    let lost = breaker.try_acquire().unwrap();
    advance(lease - Duration::from_nanos(1)).await;
    assert!(breaker.try_acquire().is_err());
    advance(Duration::from_nanos(1)).await;
    let probe = breaker.try_acquire().unwrap();
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::LeaseExpired)), 1);
    assert_eq!(lost.success(), Settlement::Stale);
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
    assert_eq!(probe.success(), Settlement::Counted);
    assert_eq!(breaker.state(), CircuitState::Closed);
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.totals.expired, snapshot.totals.stale), (1, 1));
    conserved(&snapshot);
}

#[tokio::test(start_paused = true)]
async fn a_dependency_slower_than_the_open_wait_gets_its_verdict() {
    let breaker = fragile().build().unwrap();
    open(&breaker);
    advance(WAIT).await;
    let slow = 20 * WAIT;
    let mut rounds = 0;
    while breaker.state() != CircuitState::Closed {
        let calls = [(); 2].map(|()| {
            breaker.call(async {
                tokio::time::sleep(slow).await;
                Ok::<_, ()>(())
            })
        });
        let [one, two] = calls;
        let _ = tokio::join!(one, two);
        rounds += 1;
        assert!(rounds < 10, "{:?}", breaker.snapshot());
    }
}

#[tokio::test(start_paused = true)]
async fn a_permit_says_which_generation_admitted_it_and_whether_it_is_a_probe() {
    let breaker = fragile().build().unwrap();
    let said = || {
        let permit = breaker.try_acquire_owned().unwrap();
        let borrowed = breaker.try_acquire().unwrap();
        assert_eq!(
            (permit.generation(), permit.is_probe()),
            (borrowed.generation(), borrowed.is_probe())
        );
        (permit.generation(), permit.is_probe())
    };
    assert_eq!(said(), (0, false));
    open(&breaker);
    advance(WAIT).await;
    assert_eq!(said(), (2, true));
    breaker.shadow();
    assert_eq!(said(), (3, false));
    // One that would have been refused is none either.
    for _ in 0..2 {
        breaker.try_acquire().unwrap().failure(Class::Transient);
    }
    assert_eq!(said(), (4, false));
    assert_eq!(breaker.snapshot().totals.refused, 2);
}

#[tokio::test(start_paused = true)]
async fn an_owned_permit_settles_once() {
    let breaker = fragile().build().unwrap();
    let permit = breaker.try_acquire_owned().unwrap();
    let settled = tokio::spawn(async move { permit.success() }).await.unwrap();
    assert_eq!(settled, Settlement::Counted);
    drop(breaker.try_acquire_owned().unwrap());
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.totals.successes, snapshot.totals.abandoned), (Some(1), 1));
    conserved(&snapshot);
}
