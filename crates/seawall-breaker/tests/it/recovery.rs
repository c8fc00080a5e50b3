//! The ramp, waiting for the verdict, export and restore, reconfiguring.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use seawall_breaker::{Breaker, BreakerBuilder, Export, Ramp};
use seawall_core::{Backoff, CircuitState, Class, Reason};
use seawall_testkit::Recorder;
use tokio::time::{advance, sleep};
use tokio_util::sync::CancellationToken;

const WAIT: Duration = Duration::from_secs(1);

fn fragile() -> BreakerBuilder {
    Breaker::builder().consecutive_failures(1).open_wait(WAIT).probes(1)
}

fn fail(breaker: &Breaker) {
    breaker.try_acquire().unwrap().failure(Class::Transient);
}

fn succeed(breaker: &Breaker) {
    breaker.try_acquire().unwrap().success();
}

#[tokio::test(start_paused = true)]
async fn a_ramp_brings_traffic_back_in_stages() {
    let ramp = Ramp::new([0.1, 0.5], WAIT);
    let breaker = fragile().ramp(ramp).build().unwrap();
    let recorder = Recorder::default();
    breaker.listeners().add(recorder.clone());
    fail(&breaker);
    advance(WAIT).await;
    succeed(&breaker);
    assert_eq!(breaker.state(), CircuitState::Ramping);
    for (stage, few, many) in [(1, 9, 11), (2, 49, 51)] {
        assert_eq!(breaker.snapshot().ramp_stage, Some(stage));
        let admitted = (0..100).filter(|_| match breaker.try_acquire() {
            Ok(permit) => {
                permit.success();
                true
            }
            Err(rejection) => {
                assert_eq!(rejection.reason(), Reason::Ramping);
                false
            }
        });
        let admitted = admitted.count();
        assert!((few..=many).contains(&admitted), "stage {stage}: {admitted}");
        advance(WAIT).await;
        let _ = breaker.try_acquire().map(seawall_breaker::Permit::success);
    }
    assert_eq!(
        recorder.path(),
        ["closed → open", "open → half-open", "half-open → ramping", "ramping → closed"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_fails_reopens() {
    let breaker = fragile().ramp(Ramp::new([1.0], WAIT).min_calls(2)).build().unwrap();
    fail(&breaker);
    advance(WAIT).await;
    succeed(&breaker);
    fail(&breaker);
    assert_eq!(breaker.state(), CircuitState::Ramping);
    fail(&breaker);
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn waits_are_drawn_once_for_each_opening() {
    let drawn = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&drawn);
    let wait = Backoff::from_fn(move |n| {
        counter.fetch_add(1, Ordering::Relaxed);
        WAIT * n
    });
    let breaker = fragile().open_wait(wait).build().unwrap();
    let during = |run: &dyn Fn()| {
        drawn.store(0, Ordering::Relaxed);
        run();
        drawn.load(Ordering::Relaxed)
    };
    // The first wait and the next, in advance.
    assert_eq!(during(&|| fail(&breaker)), 2);
    assert_eq!(breaker.snapshot().retry_after, Some(WAIT));
    advance(WAIT).await;
    assert_eq!(during(&|| succeed(&breaker)), 0);
    assert_eq!(breaker.state(), CircuitState::Closed);
    assert_eq!(during(&|| fail(&breaker)), 2);
    assert_eq!(breaker.snapshot().retry_after, Some(2 * WAIT));
}

#[tokio::test(start_paused = true)]
async fn callers_beyond_the_probes_wait_for_the_verdict_up_to_a_number_and_a_time() {
    let breaker = fragile().wait_for_verdict(2, 3 * WAIT).lease(10 * WAIT).build().unwrap();
    fail(&breaker);
    advance(WAIT).await;
    let probe = breaker.try_acquire().unwrap();
    let call = || breaker.call(async { Ok::<_, ()>(()) });
    let (one, two, three, ()) = tokio::join!(call(), call(), call(), async {
        sleep(2 * WAIT).await;
        probe.success();
    });
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(three.unwrap_err().rejection().unwrap().reason(), Reason::ProbesInFlight);
    fail(&breaker);
    advance(WAIT).await;
    let _probe = breaker.try_acquire().unwrap();
    let late = call().await.unwrap_err();
    assert_eq!(late.rejection().unwrap().reason(), Reason::WaitedTooLong);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_waits_takes_the_place_of_a_probe_that_is_lost() {
    let builder = fragile().wait_for_verdict(2, 30 * WAIT).lease(5 * WAIT);
    let breaker = builder.build().unwrap();
    fail(&breaker);
    advance(WAIT).await;
    let dropped = breaker.try_acquire().unwrap();
    let call = || breaker.call(async { Ok::<_, ()>(()) });
    let (answer, ()) = tokio::join!(call(), async {
        sleep(WAIT).await;
        drop(dropped);
    });
    answer.unwrap();
    fail(&breaker);
    advance(WAIT).await;
    std::mem::forget(breaker.try_acquire().unwrap());
    let began = tokio::time::Instant::now();
    call().await.unwrap();
    let waited = began.elapsed();
    assert!(waited >= 5 * WAIT && waited < 6 * WAIT, "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_the_verdict_longer_than_the_process() {
    let token = CancellationToken::new();
    let builder = fragile().wait_for_verdict(2, 30 * WAIT).lease(30 * WAIT);
    let breaker = builder.shutdown(token.clone()).build().unwrap();
    fail(&breaker);
    advance(WAIT).await;
    let _probe = breaker.try_acquire().unwrap();
    let began = tokio::time::Instant::now();
    let (answer, ()) = tokio::join!(breaker.call(async { Ok::<_, ()>(()) }), async {
        sleep(WAIT).await;
        token.cancel();
    });
    assert_eq!(answer.unwrap_err().rejection().unwrap().reason(), Reason::ShuttingDown);
    assert_eq!(began.elapsed(), WAIT);
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_survives_a_restart() {
    let breaker = fragile().build().unwrap();
    fail(&breaker);
    let export = breaker.export();
    assert_eq!(export.state(), Some(CircuitState::Open));
    let restored = fragile().restore_after(export.clone(), WAIT / 4).build().unwrap();
    let rejection = restored.try_acquire().unwrap_err();
    assert_eq!(rejection.retry_after(), Some(WAIT * 3 / 4));
    assert_eq!(rejection.since(), Some(WAIT / 4));
    assert_eq!(rejection.evidence(), breaker.snapshot().evidence);
    let later = fragile().restore_after(export.clone(), WAIT).build().unwrap();
    assert!(later.try_acquire().unwrap().is_probe());
    assert_eq!(later.state(), CircuitState::HalfOpen);
    assert_eq!(later.snapshot().openings_in_a_row, 1);
    assert!(fragile().restore(export).build().unwrap().try_acquire().is_err());
}

#[tokio::test(start_paused = true)]
async fn every_state_survives_a_restart() {
    let breaker = fragile().build().unwrap();
    let restored = |breaker: &Breaker| {
        fragile().restore_after(breaker.export(), Duration::ZERO).build().unwrap()
    };
    assert_eq!(restored(&breaker).state(), CircuitState::Closed);
    breaker.force_open();
    assert_eq!(restored(&breaker).state(), CircuitState::ForcedOpen);
    breaker.force_closed();
    assert_eq!(restored(&breaker).state(), CircuitState::ForcedClosed);
    breaker.shadow();
    assert_eq!(restored(&breaker).state(), CircuitState::Shadow);
    breaker.release();
    fail(&breaker);
    advance(WAIT).await;
    let _probe = breaker.try_acquire().unwrap();
    let half_open = restored(&breaker);
    assert!(half_open.try_acquire().unwrap().is_probe());
}

#[test]
fn an_export_of_an_unknown_version_is_refused() {
    let error = Breaker::builder().restore(Export::default()).build().unwrap_err();
    assert_eq!(error.to_string(), "breaker: restore is of version 0, but must be of version 1");
}

#[cfg(feature = "serde")]
#[test]
fn an_export_can_be_written_down_and_a_foreign_version_still_says_which() {
    let breaker = fragile().build().unwrap();
    fail(&breaker);
    let export = breaker.export();
    let text = serde_json::to_string(&export).unwrap();
    assert_eq!(serde_json::from_str::<Export>(&text).unwrap(), export);
    let foreign: Export = serde_json::from_str(r#"{"version": 2, "phase": "odd"}"#).unwrap();
    let error = fragile().restore(foreign).build().unwrap_err();
    assert!(error.to_string().contains("version 2"));
}

#[tokio::test(start_paused = true)]
async fn a_new_configuration_keeps_state_counts_and_permits() {
    let builder =
        || Breaker::builder().without_consecutive_failures().count_window(10).min_calls(4);
    let breaker = builder().failure_rate(1.0).build().unwrap();
    (0..3).for_each(|_| fail(&breaker));
    let permit = breaker.try_acquire().unwrap();
    succeed(&breaker);
    breaker.reconfigure(builder().failure_rate(0.5).count_window(20).open_wait(WAIT)).unwrap();
    assert_eq!(breaker.snapshot().window.samples, 4);
    permit.success();
    assert_eq!(breaker.state(), CircuitState::Open);
    let error = breaker.reconfigure(builder().probes(0)).unwrap_err();
    assert_eq!(error.field, "probes");
    assert_eq!(breaker.snapshot().retry_after, Some(WAIT));
    advance(WAIT).await;
    let (one, two) = (breaker.try_acquire().unwrap(), breaker.try_acquire().unwrap());
    one.success();
    breaker.reconfigure(builder().failure_rate(0.5).probes(3).probe_successes(1)).unwrap();
    assert_eq!(breaker.state(), CircuitState::Closed);
    two.success();
    let calls = [(); 4].map(|()| breaker.try_acquire().unwrap());
    breaker.reconfigure(builder().time_window(WAIT)).unwrap();
    for call in calls {
        call.success();
    }
    assert_eq!(breaker.snapshot().window.samples, 4);
}
