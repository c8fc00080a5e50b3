//! Settings of limits that are replaced while calls are in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use seawall_core::{Class, PolicyExt, Reason};
use seawall_limit::adaptive::{Adaptation, Vegas};
use seawall_limit::{AdaptiveLimit, CongestionControl, Priority, Throttle, WhileDown};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_throttle_keeps_what_it_has_counted() {
    let throttle = Throttle::builder().min_requests(1).build().unwrap();
    // Some of them are shed, which is a request, too.
    for _ in 0..10 {
        drop(throttle.try_acquire());
    }
    assert!(throttle.snapshot().probability > 0.8);
    throttle.reconfigure(Throttle::builder().min_requests(1).max_probability(0.5)).unwrap();
    assert_eq!(throttle.snapshot().requests, 10);
    assert!((throttle.snapshot().probability - 0.5).abs() < 1e-9);
    let error = throttle.reconfigure(Throttle::builder().k(0.5)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "throttle 'throttle': k is 0.5, but must be at least 1 and finite"
    );
    throttle.reconfigure(Throttle::builder().window(SECOND)).unwrap();
    assert_eq!(throttle.snapshot().requests, 0, "a window of another length begins empty");
}

#[test]
fn an_adaptive_limit_keeps_what_it_has_learned_as_far_as_it_fits() {
    let builder = || AdaptiveLimit::builder().initial(20);
    let limit = builder().build().unwrap();
    let handle = limit.clone();
    let held: Vec<_> = (0..5).map(|_| handle.try_acquire().unwrap()).collect();
    limit.try_acquire().unwrap().overloaded();
    assert_eq!(limit.snapshot().limit, 14);
    limit.reconfigure(builder().max(30)).unwrap();
    assert_eq!(handle.snapshot().limit, 14);
    limit.reconfigure(AdaptiveLimit::builder().max(6)).unwrap();
    assert_eq!((handle.snapshot().limit, handle.snapshot().in_flight), (6, 5));
    let sixth = handle.try_acquire().unwrap();
    assert_eq!(handle.try_acquire().unwrap_err().reason(), Reason::Full);
    limit.reconfigure(AdaptiveLimit::builder().max(6).shadow()).unwrap();
    handle.try_acquire().unwrap().success();
    assert_eq!(handle.snapshot().would_refuse, 1);
    limit.reconfigure(AdaptiveLimit::builder().max(6)).unwrap();
    assert_eq!(handle.try_acquire().unwrap_err().reason(), Reason::Full);
    let vegas = Adaptation::Vegas(Vegas::default());
    limit.reconfigure(AdaptiveLimit::builder().max(6).adaptation(vegas)).unwrap();
    assert_eq!(limit.snapshot().limit, 6);
    drop((held, sixth));
    let error = limit.reconfigure(AdaptiveLimit::builder().min(0)).unwrap_err();
    assert_eq!(error.field, "min");
    let shares = AdaptiveLimit::builder().priority_share(Priority::Low, 0.5);
    assert_eq!(limit.reconfigure(shares).unwrap_err().field, "priority_share");
}

/// How many requests a call of `control` sends that fails each time.
async fn sent(control: &CongestionControl) -> u32 {
    let sent = Arc::new(AtomicU32::new(0));
    let policy = control.classify(|_: &&str| Class::Transient);
    let call = policy.call(|| {
        sent.fetch_add(1, Ordering::Relaxed);
        async { Err::<(), _>("down") }
    });
    let _ = call.await;
    sent.load(Ordering::Relaxed)
}

#[tokio::test(start_paused = true)]
async fn congestion_control_goes_on_by_other_settings() {
    let control = CongestionControl::builder().build().unwrap();
    let handle = control.clone();
    assert_eq!(sent(&handle).await, 1);
    control.reconfigure(CongestionControl::builder().idempotent().max_attempts(2)).unwrap();
    assert_eq!(sent(&handle).await, 2);
    control.reconfigure(CongestionControl::builder().idempotent().disabled()).unwrap();
    assert_eq!(sent(&handle).await, 1);
    let error = control.reconfigure(CongestionControl::builder().max_attempts(0)).unwrap_err();
    assert_eq!(error.field, "max_attempts");
    assert_eq!(control.snapshot().in_flight, 0);
}

/// A call that begins while it is on is counted out though it was switched off, and the other way round.
#[tokio::test(start_paused = true)]
async fn calls_under_way_are_counted_once_whatever_is_switched() {
    let on = || CongestionControl::builder().idempotent().max_attempts(1);
    let control = on().build().unwrap();
    let call = |fails: bool| {
        let control = control.clone();
        tokio::spawn(async move {
            let policy = control.classify(|_: &&str| Class::Transient);
            let outcome = policy
                .call(|| async {
                    tokio::time::sleep(SECOND).await;
                    if fails { Err("down") } else { Ok(()) }
                })
                .await;
            outcome.is_ok()
        })
    };
    for fails in [false, true] {
        let counted = call(fails);
        tokio::task::yield_now().await;
        assert_eq!(control.snapshot().in_flight, 1);
        control.reconfigure(on().disabled()).unwrap();
        let uncounted = call(fails);
        tokio::task::yield_now().await;
        assert_eq!(control.snapshot().in_flight, 1);
        control.reconfigure(on()).unwrap();
        assert_eq!(counted.await.unwrap(), !fails);
        assert_eq!(uncounted.await.unwrap(), !fails);
        assert_eq!(control.snapshot().in_flight, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_stays_one_and_waiting_callers_are_refused_once_they_are_to_be() {
    let control = CongestionControl::builder().build().unwrap();
    for _ in 0..200 {
        sent(&control).await;
    }
    assert!(control.snapshot().down);
    control.reconfigure(CongestionControl::builder().while_down(WhileDown::Refuse)).unwrap();
    assert!(control.snapshot().down, "what was measured stays");
    let policy = control.classify(|_: &&str| Class::Transient);
    let mut refused = 0;
    for _ in 0..20 {
        let call = policy.call(|| async { Err::<(), _>("down") });
        let error = call.await.unwrap_err();
        refused += u32::from(error.rejection().is_some_and(|it| it.reason() == Reason::Open));
    }
    assert!(refused > 10, "{refused}");
}
