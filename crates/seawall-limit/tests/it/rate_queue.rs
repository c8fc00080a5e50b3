//! Which calls wait in the queue of a rate limit, which are refused, and when the wait ends.

use std::future::ready;
use std::time::Duration;

use crate::support::by_hand;
use seawall_core::{AllTransient, Attempt, Error, FromFn, Lazy, Policy, Reason, catch};
use seawall_limit::{RateLimit, RateLimitBuilder};
use tokio::time::{Instant, advance};
use tokio_util::sync::CancellationToken;

const SECOND: Duration = Duration::from_secs(1);

/// One a second, none of which is left.
fn used_up(change: impl FnOnce(RateLimitBuilder) -> RateLimitBuilder) -> RateLimit {
    let limit = change(RateLimit::builder().per_second(1)).build().unwrap();
    limit.try_acquire().unwrap();
    limit
}

async fn due_by(limit: &RateLimit, deadline: Instant) -> Result<(), Reason> {
    let op = FromFn::new(|| ready(Ok::<_, ()>(())), &AllTransient);
    let call = Lazy::new(limit.wrap(op)).with_attempt(Attempt::first().due_by(deadline));
    let reason = |error: Error<()>| error.rejection().unwrap().reason();
    call.await.map_err(reason)
}

#[tokio::test(start_paused = true)]
async fn without_a_queue_what_is_there_can_be_reserved_and_nothing_else() {
    let limit = RateLimit::builder().per_second(1).burst(2).build().unwrap();
    let reservation = limit.reserve(2).unwrap();
    assert_eq!(reservation.ready_in(), Some(Duration::ZERO));
    assert!(reservation.claim().is_ok());
    let refusal = limit.reserve(1).unwrap_err();
    assert_eq!((refusal.reason(), refusal.retry_after()), (Reason::RateLimited, Some(SECOND)));
    let nano = Duration::from_nanos(1);
    advance(SECOND.saturating_sub(nano)).await;
    assert_eq!(limit.reserve(1).unwrap_err().retry_after(), Some(nano));
}

#[tokio::test(start_paused = true)]
async fn a_reservation_that_was_cancelled_makes_nobody_wait() {
    let limit = used_up(|builder| builder.queue(9, SECOND));
    for _ in 0..20 {
        limit.reserve(1).unwrap().cancel();
    }
    let start = Instant::now();
    limit.acquire().await.unwrap();
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_becomes_the_first_is_woken() {
    let limit = used_up(|builder| builder.queue(9, Duration::MAX));
    let start = Instant::now();
    let waits = [0; 3].map(|_| {
        let limit = limit.clone();
        tokio::spawn(async move { limit.acquire().await.map(|_| start.elapsed()) })
    });
    let mut after = Vec::new();
    for wait in waits {
        after.push(wait.await.unwrap().unwrap());
    }
    assert_eq!(after, [SECOND, SECOND * 2, SECOND * 3]);
}

#[tokio::test(start_paused = true)]
async fn after_a_reservation_was_claimed_the_next_is_woken() {
    let limit = used_up(|builder| builder.queue(9, Duration::MAX));
    let first = limit.reserve(1).unwrap();
    let mut second = by_hand(limit.acquire());
    assert!(second.is_pending());
    advance(SECOND).await;
    assert!(first.claim().is_ok());
    assert_eq!(second.woken(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_is_due_at_the_deadline_is_in_time() {
    let limit = used_up(|builder| builder.queue(9, SECOND * 9));
    let start = Instant::now();
    let nano = Duration::from_nanos(1);
    assert_eq!(
        due_by(&limit, start + SECOND.saturating_sub(nano)).await,
        Err(Reason::DeadlineTooNear)
    );
    assert_eq!(start.elapsed(), Duration::ZERO, "refused at once");
    assert_eq!(due_by(&limit, start + SECOND).await, Ok(()));
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_is_refused_for_the_limit_that_ended_first() {
    for (longest, deadline, reason) in [
        (SECOND * 4, SECOND * 5, Reason::WaitedTooLong),
        (SECOND * 5, SECOND * 4, Reason::DeadlineTooNear),
        (Duration::MAX, SECOND * 4, Reason::DeadlineTooNear),
    ] {
        let limit = used_up(|builder| builder.queue(9, longest));
        // It could be claimed after a second, and isn't.
        let _first = limit.reserve(1).unwrap();
        let start = Instant::now();
        assert_eq!(due_by(&limit, start + deadline).await, Err(reason));
        assert_eq!(start.elapsed(), SECOND * 4);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_reserved_once_it_shuts_down() {
    let token = CancellationToken::new();
    let limit = RateLimit::builder().queue(9, SECOND).shutdown(token.clone()).build().unwrap();
    limit.reserve(1).unwrap().cancel();
    token.cancel();
    assert_eq!(limit.reserve(1).unwrap_err().reason(), Reason::ShuttingDown);
    let limit = RateLimit::builder().queue(9, SECOND).build().unwrap();
    limit.close();
    assert_eq!(limit.reserve(1).unwrap_err().reason(), Reason::ShuttingDown);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_over_is_not_begun_anew() {
    let limit = RateLimit::builder().per_second(9).queue(9, SECOND).build().unwrap();
    let mut granted = by_hand(limit.acquire());
    assert!(granted.ready().is_ok());
    assert!(catch(|| granted.is_pending()).is_err());
    limit.close();
    let mut refused = by_hand(limit.acquire());
    assert!(refused.ready().is_err());
    assert!(catch(|| refused.is_pending()).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_how_many_wait() {
    let limit = used_up(|builder| builder.queue(9, SECOND * 9));
    let waiting = || limit.try_acquire().unwrap_err().evidence().unwrap().samples;
    assert_eq!(waiting(), 0);
    let line = [0; 3].map(|_| limit.reserve(1).unwrap());
    assert_eq!(waiting(), 3);
    drop(line);
    limit.close();
    assert_eq!(waiting(), 0);
}
