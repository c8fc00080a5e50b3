//! Seen in Erlang's backoff (ferd/backoff#8: at the maximum the delay was always the maximum, and
//! clients fell into step) and in backon (Xuanwo/backon#184: the jitter kept the size of
//! the first delay, next to nothing beside the last).

use std::collections::HashSet;
use std::time::Duration;

use seawall_retry::{Backoff, Jitter, Random};

#[test]
fn delays_that_have_reached_the_maximum_are_still_spread() {
    let max = Duration::from_secs(10);
    let jitters = [Jitter::Full, Jitter::Equal, Jitter::Proportional(0.5), Jitter::Decorrelated];
    for jitter in jitters {
        let backoff = Backoff::exponential(Duration::from_millis(100)).max(max).jitter(jitter);
        let random = Random::seeded(3);
        let drawn: Vec<_> = (0..1_000).map(|_| backoff.delay(40, Some(max), &random)).collect();
        assert!(!drawn.contains(&max), "{backoff}: some pile up on the maximum");
        let (least, most) = (drawn.iter().min().unwrap(), drawn.iter().max().unwrap());
        assert!(
            most.saturating_sub(*least) > max / 8,
            "{backoff}: only from {least:?} to {most:?}"
        );
        assert!(drawn.iter().collect::<HashSet<_>>().len() > 990, "{backoff}: the same again");
    }
}
