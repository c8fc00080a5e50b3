//! A builder by `Default` is the one that the policy's `builder()` gives.

use seawall_limit::adaptive::AdaptiveLimitBuilder;
use seawall_limit::bulkhead::BulkheadBuilder;
use seawall_limit::rate::RateLimitBuilder;
use seawall_limit::throttle::ThrottleBuilder;
use seawall_limit::{AdaptiveLimit, Bulkhead, RateLimit, Throttle};

#[test]
fn a_builder_by_default_is_that_of_its_policy() {
    let pairs = [
        (
            format!("{:?}", AdaptiveLimitBuilder::default()),
            format!("{:?}", AdaptiveLimit::builder()),
        ),
        (format!("{:?}", BulkheadBuilder::default()), format!("{:?}", Bulkhead::builder())),
        (format!("{:?}", RateLimitBuilder::default()), format!("{:?}", RateLimit::builder())),
        (format!("{:?}", ThrottleBuilder::default()), format!("{:?}", Throttle::builder())),
    ];
    for (by_default, of_policy) in pairs {
        assert_eq!(by_default, of_policy);
    }
}
