//! Seen in agenda (agenda/agenda#1748: jitter was added on top of a delay that had been cut to the
//! maximum) and in Failsafe (failsafe-lib/failsafe#115: where the jitter was larger than the delay
//! the difference was negative, and the call failed now and then).

use std::time::Duration;

use seawall_retry::{Backoff, Jitter, Random};

#[test]
fn a_delay_with_jitter_lies_between_zero_and_the_maximum() {
    let max = Duration::from_millis(500);
    let jitters = [Jitter::Full, Jitter::Equal, Jitter::Proportional(1.0), Jitter::Decorrelated];
    for jitter in jitters {
        let backoff = Backoff::exponential(Duration::from_millis(100)).max(max).jitter(jitter);
        for random in [Random::lowest(), Random::highest(), Random::seeded(2)] {
            let mut previous = None;
            for attempt in 1..=200 {
                let delay = backoff.delay(attempt, previous, &random);
                assert!(delay <= max, "{backoff}: {delay:?}");
                previous = Some(delay);
            }
        }
    }
}
