//! A deadline that had passed became now, so later than it was, when a margin was kept back that
//! precedes the clock's origin.

use std::time::Duration;

use seawall_guard::Deadline;
use tokio::time::{Instant, advance};

#[tokio::test(start_paused = true)]
async fn a_margin_never_makes_a_deadline_later() {
    let passed = Instant::now();
    advance(Duration::from_secs(5)).await;
    let deadline = Deadline::at(passed);
    for margin in [Duration::ZERO, Duration::from_secs(1), Duration::MAX] {
        let earlier = deadline.earlier_by(margin).instant().unwrap();
        assert!(earlier <= passed, "{margin:?}");
    }
    let ahead = Deadline::after(Duration::from_secs(5)).earlier_by(Duration::MAX);
    assert_eq!(ahead.remaining(), Some(Duration::ZERO), "before the clock began is now");
}
