//! Seen in backoff for Go (cenkalti/backoff#159: a dependency that asked to be left alone for half an
//! hour got no other attempt at all, as that was longer than a limit that nobody had set).

use std::time::Duration;

use seawall_core::{Attempt, Class, Error, Lazy, Policy};
use seawall_retry::Retry;
use seawall_retry::retry::DEFAULT_MAX_RETRY_AFTER;
use tokio::time::Instant;

use crate::scripted::Scripted;

#[tokio::test(start_paused = true)]
async fn it_is_waited_for_as_long_as_the_limit_says() {
    let retry = Retry::builder().idempotent().backoff(Duration::from_secs(1)).build().unwrap();
    let class = Class::Overloaded { retry_after: Some(Duration::from_mins(30)) };
    let busy = Scripted(|attempt: Attempt| match attempt.number() {
        1 => Err(Error::operation_failed("come back later", class)),
        number => Ok(number),
    });
    let start = Instant::now();
    assert_eq!(Lazy::new(retry.wrap(busy)).await.unwrap(), 2);
    assert_eq!(start.elapsed(), DEFAULT_MAX_RETRY_AFTER);
}
