//! A call that nobody waits for, and a refusal, allocate nothing.
//!
//! A file of its own with one test: the counter counts the whole process.

use std::future::{Future, ready};
use std::time::Duration;

use seawall_core::{AllTransient, FromFn, Lazy, Policy, Random};
use seawall_limit::adaptive::{Adaptation, Aimd, Gradient, Vegas};
use seawall_limit::{
    AdaptiveLimit, Algorithm, Bulkhead, CongestionControl, KeyedRateLimit, KeyedThrottle,
    RateLimit, Throttle,
};
use seawall_testkit::{CountingAllocator, INSTRUMENTED_SYSTEM, allocations, at_once};

#[global_allocator]
static ALLOCATOR: CountingAllocator = &INSTRUMENTED_SYSTEM;

const PLENTY: u64 = 1_000_000_000;
const HOUR: Duration = Duration::from_hours(1);

fn ok() -> impl Future<Output = Result<(), ()>> {
    ready(Ok(()))
}

#[test]
fn neither_success_nor_refusal_allocates() {
    let bulkhead = Bulkhead::builder().limit(1).queue(9, HOUR).build().unwrap();
    assert_eq!(allocations(|| at_once(bulkhead.call(ok())).unwrap()), 0);
    assert_eq!(allocations(|| drop(at_once(bulkhead.acquire()).unwrap())), 0);
    let held = bulkhead.try_acquire().unwrap();
    assert_eq!(allocations(|| drop(bulkhead.try_acquire().unwrap_err())), 0);
    drop(held);

    for algorithm in [Algorithm::Gcra, Algorithm::FixedWindow, Algorithm::SlidingCounter] {
        let builder = RateLimit::builder().algorithm(algorithm);
        let limit = builder.clone().rate(PLENTY, HOUR).queue(9, HOUR).build().unwrap();
        assert_eq!(allocations(|| at_once(limit.call(ok())).unwrap()), 0, "{algorithm:?}");
        let limit = builder.rate(1, HOUR).build().unwrap();
        limit.try_acquire().unwrap();
        assert_eq!(allocations(|| drop(limit.try_acquire().unwrap_err())), 0, "{algorithm:?}");
    }

    let keyed =
        KeyedRateLimit::<u64>::new(RateLimit::builder().rate(PLENTY, HOUR), 10_000).unwrap();
    assert_eq!(allocations(|| keyed.try_acquire(&7).unwrap()), 0);
    let keyed = KeyedRateLimit::<u64>::new(RateLimit::builder().rate(1, HOUR), 10_000).unwrap();
    keyed.try_acquire(&7).unwrap();
    assert_eq!(allocations(|| drop(keyed.try_acquire(&7).unwrap_err())), 0);

    for adaptation in [
        Adaptation::Aimd(Aimd::default()),
        Adaptation::Vegas(Vegas::default()),
        Adaptation::Gradient(Gradient::default()),
    ] {
        let adaptive = AdaptiveLimit::builder().adaptation(adaptation).build().unwrap();
        assert_eq!(allocations(|| at_once(adaptive.call(ok())).unwrap()), 0, "{adaptation:?}");
    }
    let adaptive = AdaptiveLimit::builder().min(1).max(1).build().unwrap();
    let held = adaptive.try_acquire().unwrap();
    assert_eq!(allocations(|| drop(adaptive.try_acquire().unwrap_err())), 0);
    assert_eq!(allocations(|| drop(at_once(adaptive.call(ok())).unwrap_err())), 0);
    held.success();

    let throttle = Throttle::builder().build().unwrap();
    assert_eq!(allocations(|| at_once(throttle.call(ok())).unwrap()), 0);
    let throttle = Throttle::builder().random(Random::lowest()).build().unwrap();
    for _ in 0..10 {
        drop(throttle.try_acquire().unwrap());
    }
    assert_eq!(allocations(|| drop(throttle.try_acquire().unwrap_err())), 0);
    assert_eq!(allocations(|| drop(at_once(throttle.call(ok())).unwrap_err())), 0);
    let throttles = KeyedThrottle::<u64>::new(Throttle::builder(), 10).unwrap();
    assert_eq!(allocations(|| throttles.get(&7).try_acquire().unwrap().accepted()), 0);
    for _ in 0..5_000 {
        drop(throttles.get(&7).try_acquire());
    }
    let shed = || throttles.get(&7).try_acquire().map(drop).is_err();
    assert_eq!(allocations(|| _ = shed()), 0);
    assert!((0..100).any(|_| shed()), "some are refused");

    let control = CongestionControl::builder().idempotent().build().unwrap();
    let call = || Lazy::new(control.wrap(FromFn::new(ok, &AllTransient)));
    assert_eq!(allocations(|| at_once(call()).unwrap()), 0);
}
