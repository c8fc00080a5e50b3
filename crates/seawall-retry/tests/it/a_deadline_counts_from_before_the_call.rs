//! Seen in backoff (ihrwein/backoff#39, comit-network/xmr-btc-swap#305: the time that a retry may
//! take ran from when it was made, so what was made 15 minutes before the first failure never
//! retried).

use std::time::Duration;

use seawall_retry::Retry;
use tokio::time::{Instant, advance};

#[tokio::test(start_paused = true)]
async fn every_call_has_all_of_it() {
    let retry = Retry::builder().idempotent().backoff(Duration::from_secs(1));
    let retry = retry.deadline(Duration::from_secs(10)).build().unwrap();
    for _ in 0..3 {
        advance(Duration::from_mins(15)).await;
        let mut attempts = 0;
        let call = retry.call(|| {
            attempts += 1;
            std::future::ready(if attempts < 3 { Err("down") } else { Ok(attempts) })
        });
        // Neither does it run while a call that was made is not yet polled.
        advance(Duration::from_mins(15)).await;
        let start = Instant::now();
        assert_eq!(call.await.unwrap(), 3);
        assert_eq!(start.elapsed(), Duration::from_secs(2));
    }
}
