//! After the quota of a fixed window was lowered below what had been taken in it, refusals named
//! the end of a later window, and calls that could have waited for the end of this one were refused.

use std::time::Duration;

use seawall_limit::{Algorithm, RateLimit, RateLimitBuilder};
use tokio::time::{Instant, advance};

const SECOND: Duration = Duration::from_secs(1);
const NANO: Duration = Duration::from_nanos(1);

/// Eight of ten are taken, then there are but four.
fn lowered(builder: RateLimitBuilder) -> RateLimit {
    let limit = builder.algorithm(Algorithm::FixedWindow).per_second(10).build().unwrap();
    limit.try_acquire_many(8).unwrap();
    limit.set_rate(4, SECOND).unwrap();
    limit
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_the_end_of_this_window() {
    let limit = lowered(RateLimit::builder());
    assert_eq!(limit.try_acquire().unwrap_err().retry_after(), Some(SECOND));
    advance(Duration::from_nanos(999_999_999)).await;
    assert_eq!(limit.try_acquire().unwrap_err().retry_after(), Some(NANO));
    advance(NANO).await;
    limit.try_acquire_many(4).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_that_may_wait_that_long_does() {
    let limit = lowered(RateLimit::builder().queue(1, SECOND));
    let start = Instant::now();
    limit.acquire().await.unwrap();
    assert_eq!(start.elapsed(), SECOND);
}
