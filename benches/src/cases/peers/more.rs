//! The peers in the other measurements: bytes, threads, growth.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use failsafe::futures::CircuitBreaker as _;
use governor::{Quota, RateLimiter};
use layered::Service as _;
use recloser::AsyncRecloser;
use tokio::sync::Semaphore;
use tower::{Layer as _, ServiceBuilder, ServiceExt as _, service_fn};

use super::{limit, pipeline, serve};
use crate::growth::{Call, Many, Order, Window};
use crate::operation::{Failure, ready, uncounted};
use crate::poll;
use crate::sizes::{FutureSize, Instance, Operation};
use crate::throughput::{Calls, Shared, block, calls};

const LONG: Duration = Duration::from_mins(10);
const WAIT: Duration = Duration::from_secs(30);

/// The objects whose size is measured.
pub fn instances() -> Vec<Instance> {
    const COUNT: &str = "breaker, window of 100 outcomes";
    const TIME: &str = "breaker, window of 10 s";
    const CONSECUTIVE: &str = "breaker, consecutive failures";
    const BULKHEAD: &str = "bulkhead";
    const RATE: &str = "rate limit";
    const TRACKER: &str = "requests in flight";
    vec![
        Instance { what: COUNT, subject: "recloser", make: || Box::new(recloser()) },
        Instance {
            what: COUNT,
            subject: "tower-resilience",
            make: || Box::new(tower_breaker().layer(service_fn(|()| ready()))),
        },
        Instance { what: TIME, subject: "failsafe", make: || Box::new(failsafe_rate(10)) },
        Instance {
            what: TIME,
            subject: "seatbelt",
            make: || {
                let runtime = runtime();
                Box::new(runtime.block_on(async { pipeline::seatbelt_breaker(ready) }))
            },
        },
        Instance {
            what: CONSECUTIVE,
            subject: "failsafe",
            make: || Box::new(failsafe_consecutive()),
        },
        Instance { what: CONSECUTIVE, subject: "nobreak", make: || Box::new(nobreak::breaker()) },
        Instance {
            what: CONSECUTIVE,
            subject: "do-over",
            make: || Box::new(do_over::circuit_breaker::CircuitBreaker::new(5, WAIT)),
        },
        Instance {
            what: CONSECUTIVE,
            subject: "rskit",
            make: || {
                let config = rskit_resilience::CbConfig::new("benches");
                Box::new(rskit_resilience::CircuitBreaker::new(config))
            },
        },
        Instance {
            what: CONSECUTIVE,
            subject: "circuitbreaker-rs",
            make: || {
                let builder = circuitbreaker_rs::CircuitBreaker::<
                    circuitbreaker_rs::DefaultPolicy,
                    Failure,
                >::builder();
                Box::new(builder.build())
            },
        },
        Instance {
            what: BULKHEAD,
            subject: "tokio Semaphore in an Arc",
            make: || Box::new(Arc::new(Semaphore::new(10))),
        },
        Instance {
            what: BULKHEAD,
            subject: "resilient",
            make: || Box::new(resilient::Bulkhead::new(10)),
        },
        Instance {
            what: BULKHEAD,
            subject: "do-over",
            make: || Box::new(do_over::bulkhead::Bulkhead::new(10)),
        },
        Instance {
            what: RATE,
            subject: "governor",
            make: || Box::new(RateLimiter::direct(Quota::per_second(NonZeroU32::MIN))),
        },
        Instance {
            what: RATE,
            subject: "leaky-bucket",
            make: || Box::new(leaky_bucket::RateLimiter::builder().build()),
        },
        Instance {
            what: RATE,
            subject: "resilient",
            make: || Box::new(resilient::RateLimiter::default()),
        },
        Instance {
            what: TRACKER,
            subject: "tokio-util TaskTracker",
            make: || Box::new(tokio_util::task::TaskTracker::new()),
        },
        Instance {
            what: CONSECUTIVE,
            subject: "resilient",
            make: || Box::new(resilient::BreakerPolicy::default()),
        },
    ]
}

/// The sizes of futures around the same operation.
pub fn futures() -> Vec<FutureSize> {
    let breaker = recloser();
    let schedule = || ExponentialBuilder::default().with_max_times(2);
    let second = Duration::from_secs(1);
    let two = (|| breaker.call(Operation::default())).retry(schedule());
    let runtime = runtime();
    let _entered = runtime.enter();
    let full = tokio::time::timeout(
        second,
        (|| breaker.call(tokio::time::timeout(second, Operation::default()))).retry(schedule()),
    );
    let seatbelt_two = pipeline::seatbelt_two(Operation::default);
    let seatbelt_full = pipeline::seatbelt_full(Operation::default);
    vec![
        FutureSize {
            what: "retry + breaker",
            subject: "by hand: backon + recloser",
            bytes: size_of_val(&two),
        },
        FutureSize {
            what: "retry + breaker",
            subject: "seatbelt",
            bytes: size_of_val(&seatbelt_two.execute(())),
        },
        FutureSize {
            what: "all five layers",
            subject: "by hand: tokio timeout + backon + recloser (no panic guard)",
            bytes: size_of_val(&full),
        },
        FutureSize {
            what: "all five layers",
            subject: "seatbelt (retry, breaker, attempt timeout)",
            bytes: size_of_val(&seatbelt_full.execute(())),
        },
    ]
}

/// The objects that many threads call.
pub fn shared() -> Vec<Shared> {
    const HEALTHY: &str = "breaker, healthy";
    const FAILURES: &str = "breaker, 10 % failures";
    let breakers = vec![
        Shared { group: HEALTHY, subject: "recloser", prepare: || recloser_calls(|_| true) },
        Shared { group: FAILURES, subject: "recloser", prepare: || recloser_calls(one_in_ten) },
        Shared {
            group: HEALTHY,
            subject: "failsafe (consecutive)",
            prepare: || {
                let breaker = failsafe_consecutive();
                calls(move |_, cx| block(breaker.call(uncounted(true)), cx))
            },
        },
        Shared {
            group: FAILURES,
            subject: "failsafe (consecutive)",
            prepare: || {
                let breaker = failsafe_consecutive();
                calls(move |n, cx| block(breaker.call(uncounted(one_in_ten(n))), cx))
            },
        },
        Shared {
            group: HEALTHY,
            subject: "nobreak (consecutive)",
            prepare: || {
                let breaker = nobreak::breaker();
                calls(move |_, cx| block(breaker.call_async(|| uncounted(true)), cx))
            },
        },
        Shared {
            group: HEALTHY,
            subject: "circuitbreaker-rs",
            prepare: || {
                let breaker = circuitbreaker_rs::CircuitBreaker::<
                    circuitbreaker_rs::DefaultPolicy,
                    Failure,
                >::builder()
                .failure_threshold(0.5)
                .cooldown(WAIT)
                .build();
                calls(move |_, cx| block(breaker.call_async(|| uncounted(true)), cx))
            },
        },
        Shared {
            group: HEALTHY,
            subject: "tower-resilience (count 100)",
            prepare: || {
                let service = tower_breaker().layer(service_fn(|()| uncounted(true)));
                // Each thread calls through a clone of its own, as tower's users do.
                calls(move |_, cx| block(service.clone().oneshot(()), cx))
            },
        },
        Shared {
            group: HEALTHY,
            subject: "seatbelt (10 s window)",
            prepare: || {
                let runtime = runtime();
                let service =
                    runtime.block_on(async { pipeline::seatbelt_breaker(|| uncounted(true)) });
                calls(move |_, cx| {
                    let _ = &runtime;
                    block(service.execute(()), cx)
                })
            },
        },
    ];
    [breakers, limit::shared()].concat()
}

/// Breakers with a window of time that holds more and more calls.
///
/// # Panics
///
/// When a breaker can't be built; the calls, when one is refused.
pub fn windows() -> Vec<Window> {
    vec![
        Window {
            subject: "failsafe (rate)",
            most: 10_000_000,
            prepare: || {
                let breaker = failsafe_rate(LONG.as_secs());
                Box::new(move |cx| {
                    poll(breaker.call(ready()), cx).map(drop).expect("a closed breaker");
                })
            },
        },
        Window {
            subject: "seatbelt",
            most: 10_000_000,
            prepare: || {
                let runtime = runtime();
                let service = runtime.block_on(async { pipeline::seatbelt_window(ready, LONG) });
                Box::new(move |cx| {
                    let _ = &runtime;
                    poll(service.execute(()), cx).map(drop).expect("a closed breaker");
                })
            },
        },
        Window {
            subject: "tower-resilience (time)",
            // Every call looks at all calls in the window.
            most: 10_000,
            prepare: || {
                let layer = tower_resilience_circuitbreaker::CircuitBreakerLayer::builder()
                    .failure_rate_threshold(0.5)
                    .sliding_window_type(
                        tower_resilience_circuitbreaker::SlidingWindowType::TimeBased,
                    )
                    .sliding_window_duration(LONG)
                    .build()
                    .expect("a valid breaker");
                let mut service =
                    ServiceBuilder::new().layer(layer).service(service_fn(|()| ready()));
                Box::new(move |cx| {
                    serve(&mut service, cx).map(drop).expect("a closed breaker");
                })
            },
        },
    ]
}

/// Many breakers.
pub fn many() -> Vec<Many> {
    vec![
        Many {
            subject: "recloser",
            prepare: |count| many_of(count, recloser, |b, cx| poll(b.call(ready()), cx).is_ok()),
        },
        Many {
            subject: "failsafe (consecutive)",
            prepare: |count| {
                many_of(count, failsafe_consecutive, |b, cx| poll(b.call(ready()), cx).is_ok())
            },
        },
    ]
}

fn many_of<B: 'static>(
    count: usize,
    make: fn() -> B,
    call: fn(&B, &mut std::task::Context<'_>) -> bool,
) -> Call {
    let breakers: Vec<B> = (0..count).map(|_| make()).collect();
    let mut order = Order::default();
    Box::new(move |cx| {
        assert!(call(&breakers[order.below(breakers.len())], cx), "a closed breaker");
    })
}

fn one_in_ten(n: u64) -> bool {
    !n.is_multiple_of(10)
}

fn recloser_calls(well: fn(u64) -> bool) -> Calls {
    let breaker = recloser();
    calls(move |n, cx| block(breaker.call(uncounted(well(n))), cx))
}

fn recloser() -> AsyncRecloser {
    pipeline::by_hand_breaker()
}

fn failsafe_consecutive() -> impl failsafe::futures::CircuitBreaker + Send + Sync + 'static {
    let waits = failsafe::backoff::constant(WAIT);
    failsafe::Config::new()
        .failure_policy(failsafe::failure_policy::consecutive_failures(5, waits))
        .build()
}

fn failsafe_rate(seconds: u64) -> impl failsafe::futures::CircuitBreaker + Send + Sync + 'static {
    let waits = failsafe::backoff::constant(WAIT);
    let window = Duration::from_secs(seconds);
    failsafe::Config::new()
        .failure_policy(failsafe::failure_policy::success_rate_over_time_window(
            0.5, 10, window, waits,
        ))
        .build()
}

fn tower_breaker() -> tower_resilience_circuitbreaker::CircuitBreakerLayer<
    tower_resilience_circuitbreaker::DefaultClassifier,
> {
    pipeline::tower_breaker()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a current-thread runtime")
}
