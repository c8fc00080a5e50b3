//! The time at which a permit is due was added up beyond what 64 bits hold, 584 years, and came out
//! as soon: a call that would have had to wait for centuries was not refused at once.

use std::time::Duration;

use seawall_core::Reason;
use seawall_limit::RateLimit;

const CENTURY: Duration = Duration::from_hours(24 * 365 * 100);

#[tokio::test(start_paused = true)]
async fn the_longer_the_line_the_longer_the_wait() {
    let builder = RateLimit::builder().rate(1, 2 * CENTURY).queue(9, Duration::MAX);
    let limit = builder.build().unwrap();
    limit.try_acquire().unwrap();
    let line: Vec<_> = (0..5).map(|_| limit.reserve(1).unwrap()).collect();
    let waits: Vec<_> =
        line.iter().filter_map(seawall_limit::rate::Reservation::ready_in).collect();
    assert_eq!(waits[0], 2 * CENTURY);
    assert!(waits.is_sorted() && waits[4] > 3 * CENTURY, "{waits:?}");
    assert_eq!(limit.try_acquire().unwrap_err().reason(), Reason::RateLimited);
}
