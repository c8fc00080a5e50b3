//! Seen in tokio-retry (djc/tokio-retry#22: exponential from 50 ms was 50 ms, 2.5 s, 125 s) and in
//! retry4j (elennick/retry4j#36: the first delay was zero).

use std::time::Duration;

use seawall_retry::{Backoff, Jitter, Random};

#[test]
fn exponential_doubles_from_the_first_delay() {
    let backoff = Backoff::exponential(Duration::from_millis(50)).jitter(Jitter::None);
    let delays = (1..=5).map(|n| backoff.delay(n, None, &Random::default()).as_millis());
    assert_eq!(delays.collect::<Vec<_>>(), [50, 100, 200, 400, 800]);
}
