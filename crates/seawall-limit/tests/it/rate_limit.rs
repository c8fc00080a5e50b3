//! Waiting for a rate: which calls wait, for how long, and what is left when one gives up.

use std::time::Duration;

use crate::support::by_hand;
use seawall_core::{
    AllTransient, Attempt, Description, EventKind, Evidence, FromFn, Layer, LayerContext, Lazy,
    Listeners, Policy, Reason, Rule,
};
use seawall_limit::rate::NotClaimed;
use seawall_limit::{Algorithm, RateLimit, RateLimitBuilder};
use seawall_testkit::{Recorder, at_every_await};
use tokio::time::{Instant, advance};
use tokio_util::sync::CancellationToken;

const ALL: [Algorithm; 4] =
    [Algorithm::Gcra, Algorithm::FixedWindow, Algorithm::SlidingLog, Algorithm::SlidingCounter];

const SECOND: Duration = Duration::from_secs(1);

fn ten_a_second() -> RateLimitBuilder {
    RateLimit::builder().per_second(10).burst(1)
}

fn waiting() -> RateLimit {
    ten_a_second().queue(100, SECOND).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_exactly_when_to_come_back() {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let limit = ten_a_second().name("api").listeners(&listeners).build().unwrap();
    limit.try_acquire().unwrap();
    advance(Duration::from_millis(40)).await;
    let refusal = limit.try_acquire().unwrap_err();
    assert_eq!(refusal.reason(), Reason::RateLimited);
    assert_eq!(refusal.retry_after(), Some(Duration::from_millis(60)));
    assert_eq!(refusal.evidence(), Some(Evidence::new(Rule::Rate, 10.0, 10.0, 0)));
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::Rejected(_))), 1);
    advance(Duration::from_millis(60) - Duration::from_nanos(1)).await;
    let refusal = limit.try_acquire().unwrap_err();
    assert_eq!(refusal.retry_after(), Some(Duration::from_nanos(1)));
    advance(Duration::from_nanos(1)).await;
    limit.try_acquire().unwrap();
    assert_eq!(limit.snapshot().refused, 2);
}

#[tokio::test(start_paused = true)]
async fn every_algorithm_refuses_until_the_time_it_names_and_admits_at_it() {
    let nano = Duration::from_nanos(1);
    for algorithm in ALL {
        for permits in [1, 2, 3] {
            // A third of a microsecond a permit, and windows that are no multiple of sixteen.
            let builder = RateLimit::builder().algorithm(algorithm).rate(3, nano * 1_001);
            let limit = builder.build().unwrap();
            advance(nano * 123).await;
            limit.try_acquire().unwrap();
            advance(nano * 77).await;
            limit.try_acquire_many(2).unwrap();
            let wait = limit.try_acquire_many(permits).unwrap_err().retry_after().unwrap();
            advance(wait.saturating_sub(nano)).await;
            let refusal = limit.try_acquire_many(permits).unwrap_err();
            assert_eq!(refusal.retry_after(), Some(nano), "{algorithm:?}, {permits}");
            advance(nano).await;
            limit.try_acquire_many(permits).unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn waiters_start_one_by_one_when_the_rate_admits_them() {
    let limit = waiting();
    let start = Instant::now();
    let call = || limit.call(async { Ok::<_, ()>(start.elapsed().as_millis()) });
    let (a, b, c) = tokio::join!(call(), call(), call());
    assert_eq!([a, b, c].map(Result::unwrap), [0, 100, 200]);
    assert_eq!(limit.snapshot().queued, 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_would_wait_too_long_is_refused_at_once() {
    let limit = ten_a_second().queue(100, Duration::from_millis(150)).build().unwrap();
    limit.try_acquire().unwrap();
    let mut first = by_hand(limit.acquire());
    assert!(first.is_pending());
    let refusal = by_hand(limit.acquire()).ready().unwrap_err();
    assert_eq!(refusal.reason(), Reason::RateLimited);
    assert_eq!(refusal.retry_after(), Some(Duration::from_millis(200)));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_would_miss_its_deadline_is_refused_at_once() {
    let limit = waiting();
    limit.try_acquire().unwrap();
    let op = || FromFn::new(|| std::future::ready(Ok::<_, ()>(())), &AllTransient);
    let due_in = |millis| Attempt::first().due_by(Instant::now() + Duration::from_millis(millis));
    let error = Lazy::new(limit.wrap(op())).with_attempt(due_in(99)).await.unwrap_err();
    assert_eq!(error.rejection().unwrap().reason(), Reason::DeadlineTooNear);
    assert_eq!(error.retry_after(), Some(Duration::from_millis(100)));
    Lazy::new(limit.wrap(op())).with_attempt(due_in(101)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_full_line_refuses_and_nobody_gets_past_it() {
    let limit = ten_a_second().queue(1, SECOND).build().unwrap();
    limit.try_acquire().unwrap();
    let mut first = by_hand(limit.acquire());
    assert!(first.is_pending());
    assert_eq!(by_hand(limit.acquire()).ready().unwrap_err().reason(), Reason::QueueFull);
    advance(Duration::from_millis(100)).await;
    let refusal = limit.try_acquire().unwrap_err();
    assert_eq!(refusal.retry_after(), Some(Duration::from_millis(100)));
    assert!(first.ready().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_wait_leaves_no_debt_and_its_place_goes_to_the_next() {
    let limit = waiting();
    limit.try_acquire().unwrap();
    let mut first = by_hand(limit.acquire());
    let mut second = by_hand(limit.acquire());
    assert!(first.is_pending() && second.is_pending());
    drop(first);
    assert_eq!(second.woken(), 1);
    assert!(second.is_pending(), "it sets its timer, now that it is the first");
    advance(Duration::from_millis(100)).await;
    assert!(second.ready().is_ok(), "at the time that was the first one's");
}

#[tokio::test(start_paused = true)]
async fn dropped_at_any_await_a_wait_owes_nothing() {
    let limit = waiting();
    let awaits = at_every_await(
        || async {
            tokio::time::sleep(SECOND).await;
            limit.try_acquire().unwrap();
            limit.acquire().await.map(drop)
        },
        |_| assert_eq!(limit.snapshot().queued, 0),
    )
    .await;
    assert_eq!(awaits, 2);
    advance(SECOND).await;
    limit.try_acquire().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_reservation_is_claimed_when_its_time_has_come() {
    let limit = waiting();
    limit.try_acquire().unwrap();
    let first = limit.reserve(1).unwrap();
    let second = limit.reserve(1).unwrap();
    let millis = Duration::from_millis;
    assert_eq!((first.ready_in(), second.ready_in()), (Some(millis(100)), Some(millis(200))));
    let Err(NotClaimed::TooEarly(first)) = first.claim() else { panic!("it is too early") };
    advance(millis(30)).await;
    first.cancel();
    assert_eq!(second.ready_in(), Some(millis(70)));
    advance(millis(70)).await;
    second.claim().unwrap();
    assert_eq!(limit.try_acquire().unwrap_err().retry_after(), Some(millis(100)));
}

#[tokio::test(start_paused = true)]
async fn a_waiter_behind_a_reservation_is_woken_by_its_claim_and_by_its_end() {
    let limit = waiting();
    limit.try_acquire().unwrap();
    let claimed = limit.reserve(1).unwrap();
    let dropped = limit.reserve(1).unwrap();
    let mut waiting = by_hand(limit.acquire());
    assert!(waiting.is_pending());
    advance(Duration::from_millis(100)).await;
    claimed.claim().unwrap();
    assert_eq!(waiting.woken(), 0, "another is before it");
    drop(dropped);
    assert_eq!(waiting.woken(), 1);
    assert!(waiting.is_pending());
    advance(Duration::from_millis(100)).await;
    waiting.ready().unwrap();
}

#[tokio::test(start_paused = true)]
async fn many_permits_at_once_come_all_or_none() {
    let limit = RateLimit::builder().per_second(10).burst(4).build().unwrap();
    limit.try_acquire_many(3).unwrap();
    let refusal = limit.try_acquire_many(2).unwrap_err();
    assert_eq!(refusal.retry_after(), Some(Duration::from_millis(100)));
    assert_eq!(limit.try_acquire_many(5).unwrap_err().retry_after(), None, "never");
    limit.try_acquire().unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_rate_changes_while_somebody_waits() {
    let limit = waiting();
    limit.try_acquire().unwrap();
    let start = Instant::now();
    let change = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        limit.set_rate_and_burst(100, SECOND, 1).unwrap();
    };
    let (waited, ()) = tokio::join!(limit.acquire(), change);
    waited.unwrap();
    // A tenth of a permit had come by then; the rest comes ten times as fast.
    assert_eq!(start.elapsed(), Duration::from_millis(10 + 9));
    assert_eq!((limit.snapshot().permits, limit.snapshot().burst), (100, 1));
    let refusal = limit.try_acquire().unwrap_err();
    assert_eq!(refusal.evidence(), Some(Evidence::new(Rule::Rate, 100.0, 100.0, 0)));
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_lowered_does_not_make_anybody_wait_longer_than_it_would() {
    let limit = waiting();
    limit.try_acquire().unwrap();
    let start = Instant::now();
    let change = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        limit.set_rate_and_burst(1, SECOND * 60, 1).unwrap();
    };
    let (waited, ()) = tokio::join!(limit.acquire(), change);
    assert_eq!(waited.unwrap_err().reason(), Reason::WaitedTooLong);
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn closing_and_shutting_down_release_all_waiters() {
    let token = CancellationToken::new();
    for closes in [true, false] {
        let limit = ten_a_second().queue(9, SECOND).shutdown(token.clone()).build().unwrap();
        limit.try_acquire().unwrap();
        let mut first = by_hand(limit.acquire());
        let mut second = by_hand(limit.acquire());
        assert!(first.is_pending() && second.is_pending());
        if closes {
            limit.close();
        } else {
            token.cancel();
        }
        assert_eq!(first.ready().unwrap_err().reason(), Reason::ShuttingDown);
        assert_eq!(second.ready().unwrap_err().reason(), Reason::ShuttingDown);
        assert_eq!(limit.snapshot().queued, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn every_algorithm_serves_a_line() {
    for algorithm in ALL {
        let builder = RateLimit::builder().algorithm(algorithm).rate(2, SECOND);
        let limit = builder.queue(100, SECOND * 10).build().unwrap();
        let start = Instant::now();
        for _ in 0..6 {
            limit.acquire().await.unwrap();
        }
        let took = start.elapsed();
        assert!((SECOND..=SECOND * 3).contains(&took), "{algorithm:?}: {took:?}");
    }
}

#[test]
fn in_a_pipeline_it_takes_its_name_and_says_what_it_is() {
    let builder = RateLimit::builder().per_second(50).burst(5);
    let limit = builder.into_policy(&LayerContext::new("api")).unwrap();
    let text = limit.describe(Description::bare()).to_string();
    let expected = "rate limit 'api': 50 calls in 1s, counted evenly, 5 at once\none attempt per \
                    call, with no limit in time";
    assert_eq!(text, expected);
}

#[test]
fn a_wrong_field_is_named() {
    let refused = [
        (RateLimit::builder().per_second(0), "permits"),
        (RateLimit::builder().per_second(u64::MAX), "permits"),
        (RateLimit::builder().rate(1, Duration::ZERO), "period"),
        (RateLimit::builder().rate(1, Duration::MAX), "period"),
        (RateLimit::builder().burst(0), "burst"),
        (RateLimit::builder().rate(1, SECOND * 3_600).burst(1 << 40), "burst"),
        (RateLimit::builder().burst(3).algorithm(Algorithm::SlidingLog), "burst"),
        (RateLimit::builder().queue(0, SECOND), "queue"),
        (RateLimit::builder().queue(1, Duration::ZERO), "longest_wait"),
        (RateLimit::builder().name("x".repeat(257)), "name"),
    ];
    for (builder, field) in refused {
        assert_eq!(builder.build().unwrap_err().field, field);
    }
}

#[test]
fn threads_together_get_no_more_than_the_rate() {
    let limit = RateLimit::builder().rate(1, SECOND * 3_600).burst(1_000).build().unwrap();
    let admitted = std::sync::atomic::AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    if limit.try_acquire().is_ok() {
                        admitted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(admitted.into_inner(), 1_000);
}
