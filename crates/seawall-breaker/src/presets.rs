//! Builders for kinds of traffic that the defaults are not chosen for.
//!
//! Each returns a builder, so that single settings can be changed.

use std::time::Duration;

use seawall_core::{Backoff, Jitter};

use crate::{Breaker, BreakerBuilder, Ramp};

/// For a few calls a minute: a background job, a nightly import, an admin page.
///
/// Opens after 3 failures in a row, or when half of at least 4 calls within 10 minutes failed: so few
/// calls can't tell chance from an outage, and opening is cheap. Waits 1 s, doubling up to 1 minute.
/// One probe decides, as the next call may be a long time away.
pub fn low_traffic() -> BreakerBuilder {
    Breaker::builder()
        .consecutive_failures(3)
        .time_window(Duration::from_mins(10))
        .min_calls(4)
        .open_wait(
            Backoff::exponential(Duration::from_secs(1))
                .max(Duration::from_mins(1))
                .jitter(Jitter::Equal),
        )
        .forget_after(Duration::from_mins(10))
        .probes(1)
}

/// For tens of thousands of calls per second: a burst must not open the circuit, and the full load
/// must not hit a dependency that has just come back.
///
/// Opens by the rate over the last 5 s, of at least 1,000 calls, or after 200 failures in a row. Comes
/// back over four stages in half a second.
pub fn high_traffic() -> BreakerBuilder {
    Breaker::builder()
        .consecutive_failures(200)
        .time_window(Duration::from_secs(5))
        .min_calls(1_000)
        .probes(5)
        .ramp(Ramp::new([0.1, 0.25, 0.5, 0.75], Duration::from_millis(125)).min_calls(50))
}

/// For a third party's service over the internet that sends `Retry-After` now and then.
///
/// Follows its `Retry-After` up to a minute. Waits 500 ms, doubling up to 10 s.
pub fn remote_service() -> BreakerBuilder {
    Breaker::builder()
        .consecutive_failures(10)
        .open_wait(
            Backoff::exponential(Duration::from_millis(500))
                .max(Duration::from_secs(10))
                .jitter(Jitter::Equal),
        )
        .forget_after(Duration::from_mins(1))
        .max_retry_after(Duration::from_mins(1))
}
