//! Seen in Polly (App-vNext/Polly#2163: from the 1,025th attempt on the delay was negative, and the
//! retry ran without any; App-vNext/Polly#1866: where the arithmetic overflowed, the maximum was
//! ignored and the wait never ended), in the AWS SDK for Java (aws/aws-sdk-java#874), and in latte
//! (scylladb/latte#208: at the 64th attempt the delay wrapped to zero, and jitter made it panic).

use std::time::Duration;

use seawall_retry::{Backoff, Jitter, Random};

#[test]
fn the_maximum_holds_at_every_attempt_and_no_delay_vanishes() {
    let max = Duration::from_secs(30);
    for random in [Random::lowest(), Random::highest(), Random::seeded(1)] {
        for jitter in [Jitter::None, Jitter::Equal, Jitter::Proportional(0.25)] {
            let backoff = Backoff::exponential(Duration::from_secs(2)).max(max).jitter(jitter);
            for attempt in [1, 2, 31, 32, 63, 64, 65, 1_024, 1_025, 1_026, u32::MAX] {
                let delay = backoff.delay(attempt, None, &random);
                let holds = (Duration::from_secs(1)..=max).contains(&delay);
                assert!(holds, "{backoff}: {delay:?} at attempt {attempt}");
            }
        }
    }
}
