//! The limit in force: what counts, what lingers, what is refused.

use std::time::Duration;

use crate::support::by_hand;
use seawall_core::{
    AllTransient, Attempt, Class, Description, Error, FromFn, Layer, LayerContext, Lazy, Policy,
    Reason, Rejection, Rule, Settle,
};
use seawall_limit::adaptive::{Adaptation, AdaptivePermit, Aimd, Gradient, Vegas};
use seawall_limit::{AdaptiveLimit, AdaptiveLimitBuilder};
use tokio::time::{Instant, advance, sleep};

const MS: Duration = Duration::from_millis(1);

fn of(initial: u32) -> AdaptiveLimit {
    AdaptiveLimit::builder().initial(initial).build().unwrap()
}

async fn taking(time: Duration) -> Result<(), ()> {
    sleep(time).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn more_than_the_limit_are_refused_at_once_with_the_evidence() {
    let limit = of(2);
    let held = [limit.try_acquire().unwrap(), limit.try_acquire().unwrap()];
    let refusal = limit.try_acquire().unwrap_err();
    assert_eq!(refusal.reason(), Reason::Full);
    let evidence = refusal.evidence().unwrap();
    assert_eq!((evidence.rule, evidence.observed, evidence.limit), (Rule::InFlight, 2.0, 2.0));
    let error = limit.call(taking(MS)).await.unwrap_err();
    assert_eq!(error.class(), Class::Ignored);
    assert_eq!(limit.snapshot().refused, 2);
    for permit in held {
        permit.success();
    }
    assert_eq!((limit.snapshot().in_flight, limit.snapshot().limit), (0, 4));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_given_up_keeps_its_place_for_as_long_again_as_it_ran() {
    let limit = AdaptiveLimit::builder().min(1).max(1).build().unwrap();
    let mut call = by_hand(limit.call(taking(MS * 500)));
    assert!(call.is_pending());
    advance(MS * 100).await;
    drop(call);
    assert_eq!((limit.snapshot().in_flight, limit.snapshot().lingering), (1, 1));
    advance(MS * 99).await;
    assert!(limit.try_acquire().is_err());
    advance(MS).await;
    limit.try_acquire().unwrap().success();
    assert_eq!((limit.snapshot().in_flight, limit.snapshot().lingering), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_is_a_loss_and_lingers() {
    let limit = of(10);
    let timed_out = seawall_core::TimedOut::new(
        "t".into(),
        seawall_core::Scope::Attempt,
        seawall_core::TimedOutBy::Limit,
        MS * 50,
        MS * 50,
        Attempt::first(),
    );
    let permit = limit.try_acquire().unwrap();
    advance(MS * 50).await;
    permit.settle(&Err::<(), Error<()>>(Error::TimedOut(timed_out)));
    let snapshot = limit.snapshot();
    assert_eq!((snapshot.limit, snapshot.in_flight, snapshot.lingering), (7, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn more_than_half_of_its_callers_patience_is_a_loss_even_if_it_was_answered() {
    for (takes, limit_after) in [(MS * 50, 11), (MS * 51, 7)] {
        let limit = of(10);
        let others: Vec<_> = (0..9).map(|_| limit.try_acquire().unwrap()).collect();
        let op = FromFn::new(|| taking(takes), &AllTransient);
        let attempt = Attempt::first().due_by(Instant::now() + MS * 100);
        Lazy::new(limit.wrap(op)).with_attempt(attempt).await.unwrap();
        assert_eq!(limit.snapshot().limit, limit_after, "{takes:?}");
        for permit in others {
            permit.ignore();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_with_little_time_left_does_not_make_the_others_look_slow() {
    let limit = of(4);
    for patience in [100, 10, 10, 10] {
        let op = FromFn::new(|| taking(MS * 8), &AllTransient);
        let attempt = Attempt::first().due_by(Instant::now() + MS * patience);
        Lazy::new(limit.wrap(op)).with_attempt(attempt).await.unwrap();
    }
    assert_eq!(limit.snapshot().limit, 4);
}

#[tokio::test(start_paused = true)]
async fn overload_is_a_loss_an_error_says_nothing_and_an_inner_refusal_is_no_call() {
    let limit = of(10);
    let overloaded = Error::operation_failed((), Class::Overloaded { retry_after: None });
    limit.try_acquire().unwrap().settle(&Err::<(), _>(overloaded));
    assert_eq!(limit.snapshot().limit, 7);
    let failed = Error::operation_failed((), Class::Transient);
    limit.try_acquire().unwrap().settle(&Err::<(), _>(failed));
    let kind = seawall_core::PolicyKind::Breaker;
    let refused = Rejection::new("inner".into(), kind, Reason::Open);
    limit.try_acquire().unwrap().settle(&Err::<(), Error<()>>(refused.into()));
    let snapshot = limit.snapshot();
    assert_eq!((snapshot.limit, snapshot.in_flight, snapshot.lingering), (7, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_said_nothing_says_something_once_the_limit_has_fallen() {
    let limit = of(20);
    let others: Vec<_> = (0..6).map(|_| limit.try_acquire().unwrap()).collect();
    for _ in 0..100 {
        limit.try_acquire().unwrap().success();
    }
    assert_eq!(limit.snapshot().limit, 20, "seven of twenty are neither few nor many");
    limit.try_acquire().unwrap().overloaded();
    assert_eq!(limit.snapshot().limit, 14);
    limit.try_acquire().unwrap().success();
    assert_eq!(limit.snapshot().limit, 15, "seven of fourteen are half");
    for permit in others {
        permit.ignore();
    }
}

#[tokio::test(start_paused = true)]
async fn a_patience_learnt_from_calls_that_change_nothing_else_counts() {
    let limit = of(20);
    let others: Vec<_> = (0..6).map(|_| limit.try_acquire().unwrap()).collect();
    for (patience, limit_after) in [(1_000, 20), (100, 20), (2_000, 20), (100, 14)] {
        let takes = if limit_after == 14 { MS * 1_001 } else { MS * 40 };
        let op = FromFn::new(|| taking(takes), &AllTransient);
        let attempt = Attempt::first().due_by(Instant::now() + MS * patience);
        Lazy::new(limit.wrap(op)).with_attempt(attempt).await.unwrap();
        assert_eq!(limit.snapshot().limit, limit_after, "{patience}");
    }
    for permit in others {
        permit.ignore();
    }
}

#[tokio::test(start_paused = true)]
async fn in_shadow_it_refuses_nothing_and_counts_what_it_would_have() {
    let limit = AdaptiveLimit::builder().initial(2).shadow().build().unwrap();
    let held: Vec<_> = (0..5).map(|_| limit.try_acquire().unwrap()).collect();
    assert_eq!((limit.snapshot().would_refuse, limit.snapshot().refused), (3, 0));
    for permit in held {
        permit.success();
    }
    assert_eq!((limit.snapshot().in_flight, limit.snapshot().limit), (0, 7));
    limit.try_acquire().unwrap().overloaded();
    assert_eq!(limit.snapshot().limit, 4);
    let held: Vec<_> = (0..9).map(|_| limit.try_acquire().unwrap()).collect();
    assert_eq!((limit.snapshot().would_refuse, limit.snapshot().refused), (8, 0));
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn what_it_has_arrived_at_is_what_is_in_force() {
    let limit = of(10);
    let room = || {
        let held: Vec<_> = std::iter::from_fn(|| limit.try_acquire().ok()).collect();
        let room = held.len();
        held.into_iter().for_each(AdaptivePermit::ignore);
        room
    };
    assert_eq!(room(), 10);
    limit.try_acquire().unwrap().overloaded();
    assert_eq!(room(), 7);
    let held: Vec<_> = (0..7).map(|_| limit.try_acquire().unwrap()).collect();
    held.into_iter().for_each(AdaptivePermit::success);
    assert_eq!((room(), limit.snapshot().limit as usize), (10, 10), "half of it was in use");
}

#[tokio::test(start_paused = true)]
async fn once_it_is_closed_every_call_is_refused() {
    let limit = of(10);
    let under_way = limit.try_acquire().unwrap();
    limit.close();
    assert_eq!(limit.try_acquire().unwrap_err().reason(), Reason::ShuttingDown);
    under_way.success();
    assert_eq!(limit.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn given_up_late_is_lost_and_given_up_early_says_nothing() {
    for (after, limit_after) in [(MS * 50, 10), (MS * 51, 7)] {
        let limit = of(10);
        let op = FromFn::new(|| taking(MS * 90), &AllTransient);
        let attempt = Attempt::first().due_by(Instant::now() + MS * 100);
        let mut call = by_hand(Lazy::new(limit.wrap(op)).with_attempt(attempt));
        assert!(call.is_pending());
        advance(after).await;
        drop(call);
        assert_eq!(limit.snapshot().limit, limit_after, "{after:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn patience_is_forgotten_after_a_few_thousand_calls_of_less() {
    let limit = AdaptiveLimit::builder().min(1).max(1).build().unwrap();
    let call = async |patience, takes| {
        let op = FromFn::new(|| taking(takes), &AllTransient);
        let attempt = Attempt::first().due_by(Instant::now() + patience);
        Lazy::new(limit.wrap(op)).with_attempt(attempt).await.unwrap();
    };
    call(MS * 1_000, MS).await;
    for _ in 0..10_000 {
        call(MS * 10, Duration::ZERO).await;
    }
    // Of 990 ms too much e⁻¹⁰ is left, so what takes more than 5.1 ms is slow.
    let state = format!("{limit:?}");
    let patience = state.split("patience: ").nth(1).and_then(|rest| rest.split(',').next());
    let nanos: u64 = patience.unwrap().parse().unwrap();
    assert!((10_000_000..10_100_000).contains(&nanos), "{nanos}");
}

#[tokio::test(start_paused = true)]
async fn dropped_at_any_await_the_place_comes_back() {
    let limit = of(3);
    seawall_testkit::at_every_await(
        || limit.call(taking(MS)),
        |_| assert!(limit.snapshot().in_flight as usize == limit.snapshot().lingering),
    )
    .await;
    advance(MS * 10).await;
    limit.try_acquire().unwrap().ignore();
    let held: Vec<_> = (0..3).map(|_| limit.try_acquire()).collect();
    assert!(held.iter().all(Result::is_ok), "{:?}", limit.snapshot());
}

#[test]
fn threads_never_exceed_the_range_and_leave_the_count_exact() {
    use std::sync::atomic::{AtomicU32, Ordering};
    let limit = AdaptiveLimit::builder().max(3).build().unwrap();
    let in_flight = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50_000 {
                    let Ok(permit) = limit.try_acquire() else { continue };
                    assert!(in_flight.fetch_add(1, Ordering::SeqCst) < 3);
                    in_flight.fetch_sub(1, Ordering::SeqCst);
                    permit.success();
                }
            });
        }
    });
    assert_eq!(limit.snapshot().in_flight, 0);
}

#[test]
fn however_calls_end_each_place_comes_back_once() {
    let limit = AdaptiveLimit::builder().min(1).max(50).initial(10).build().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            let limit = &limit;
            scope.spawn(move || {
                for n in 0..20_000_u32 {
                    let Ok(permit) = limit.try_acquire() else { continue };
                    match (n.wrapping_mul(2_654_435_761) >> 16).wrapping_add(thread) % 16 {
                        0 => permit.overloaded(),
                        1 => permit.timed_out(),
                        2 => permit.ignore(),
                        3 => drop(permit),
                        _ => permit.success(),
                    }
                }
            });
        }
    });
    // What lingers does so for as long as a call took: it is over as soon as somebody looks again.
    while limit.snapshot().lingering > 0 {
        if let Ok(permit) = limit.try_acquire() {
            permit.ignore();
        }
    }
    assert_eq!(limit.snapshot().in_flight, 0);
    assert!((1..=50).contains(&limit.snapshot().limit));
}

#[test]
fn in_a_pipeline_it_takes_its_name_and_says_what_it_is() {
    let limit = AdaptiveLimit::builder().into_policy(&LayerContext::new("stock")).unwrap();
    let text = limit.describe(Description::bare()).to_string();
    let expected = "adaptive limit 'stock': between 2 and 1000000 in flight, 20 to begin with, adapted \
                    by loss and slowness (AIMD)\none attempt per call, with no limit in time";
    assert_eq!(text, expected);
}

#[test]
fn a_wrong_field_is_named() {
    let with = |adaptation| AdaptiveLimit::builder().adaptation(adaptation);
    let refused: [(AdaptiveLimitBuilder, &str); 9] = [
        (AdaptiveLimit::builder().min(0), "min"),
        (AdaptiveLimit::builder().min(5).max(4), "max"),
        (AdaptiveLimit::builder().max(10).initial(11), "initial"),
        (AdaptiveLimit::builder().name(""), "name"),
        (with(Adaptation::Aimd(Aimd::default().increase(f64::NAN))), "increase"),
        (with(Adaptation::Aimd(Aimd::default().decrease(1.0))), "decrease"),
        (with(Adaptation::Vegas(Vegas::default().memory(0))), "memory"),
        (with(Adaptation::Gradient(Gradient::default().tolerance(0.9))), "tolerance"),
        (with(Adaptation::Gradient(Gradient::default().room(-1.0))), "room"),
    ];
    for (builder, field) in refused {
        assert_eq!(builder.build().unwrap_err().field, field);
    }
}
