//! `retry: max_attempts is 0` did not say which of a service's retries.

use std::time::Duration;

use seawall::breaker::KeyedBreaker;
use seawall::guard::Supervisor;
use seawall::limit::{KeyedRateLimit, KeyedThrottle};
use seawall::retry::KeyedBudget;
use seawall::{
    AdaptiveLimit, Breaker, Budget, Bulkhead, ConfigError, Fallback, Hedge, Pipeline, RateLimit,
    Retry, Shutdown, Throttle,
};

const ZERO: Duration = Duration::ZERO;

fn starts<T>(built: Result<T, ConfigError>, text: &str) {
    let error = built.err().unwrap().to_string();
    assert!(error.starts_with(text), "{error}");
}

#[test]
fn a_policy_alone_says_its_name_where_it_has_one() {
    let retry = || Retry::builder().max_attempts(0);
    starts(retry().build(), "retry: max_attempts is 0, but");
    starts(retry().name("stock").build(), "retry 'stock': max_attempts is 0, but");
    starts(Breaker::builder().name("stock").failure_rate(2.0).build(), "breaker 'stock': failure");
    starts(Hedge::builder().name("stock").max_attempts(0).build(), "hedge 'stock': max_attempts");
    starts(Bulkhead::builder().name("stock").limit(0).build(), "bulkhead 'stock': limit");
    starts(RateLimit::builder().name("stock").per_second(0).build(), "rate limit 'stock': ");
    starts(AdaptiveLimit::builder().name("stock").min(0).build(), "adaptive limit 'stock': min");
    let throttle = Throttle::builder().name("stock").k(0.0);
    starts(throttle.build(), "throttle 'stock': k");
    let fallback = Fallback::value(1_u32).name("stock").max_concurrent(0);
    let built: Result<Fallback<u32, ()>, _> = fallback.build();
    starts(built, "fallback 'stock': max_concurrent");
}

#[test]
fn so_does_what_is_in_no_pipeline() {
    let budget = || Budget::builder().cost(0.0);
    starts(budget().build(), "budget: cost is 0, but");
    starts(budget().name("stock").build(), "budget 'stock': cost is 0, but");
    let own = Retry::builder().own_budget(budget());
    starts(own.name("stock").build(), "budget 'stock': cost is 0, but");
    starts(Supervisor::builder().name("feeds").within(ZERO).build(), "supervisor 'feeds': within");
    let shutdown = Shutdown::builder().name("shop").grace_period(ZERO);
    starts(shutdown.build(), "shutdown 'shop': grace_period is 0ns, but");
}

#[test]
fn a_set_by_key_says_its_name() {
    starts(
        KeyedBreaker::<u8>::new(Breaker::builder().name("hosts"), 0),
        "breaker 'hosts': max_keys",
    );
    let wrong = Breaker::builder().name("hosts").failure_rate(2.0);
    starts(KeyedBreaker::<u8>::new(wrong, 9), "breaker 'hosts': failure_rate is 2, but");
    let wrong = Budget::builder().name("hosts").cost(0.0);
    starts(KeyedBudget::<u8>::new(wrong, 9), "budget 'hosts': cost is 0, but");
    let wrong = Throttle::builder().name("hosts").k(0.0);
    starts(KeyedThrottle::<u8>::new(wrong, 9), "throttle 'hosts': k is 0, but");
    let rate = || RateLimit::builder().name("tenants");
    starts(KeyedRateLimit::<u8>::new(rate().per_second(0), 9), "rate limit 'tenants': ");
    starts(KeyedRateLimit::<u8>::new(rate().per_second(1), 0), "rate limit 'tenants': max_keys");
}

#[test]
fn a_change_while_it_runs_says_whose() {
    let hosts = KeyedBreaker::<u8>::new(Breaker::builder().name("hosts"), 9).unwrap();
    starts(
        hosts.reconfigure(Breaker::builder().failure_rate(2.0)),
        "breaker 'hosts': failure_rate",
    );
    let breaker = Breaker::builder().name("stock").build().unwrap();
    starts(
        breaker.reconfigure(Breaker::builder().failure_rate(2.0)),
        "breaker 'stock': failure_rate",
    );
    starts(breaker.reconfigure(Breaker::builder().tally()), "breaker 'stock': tally is true, but");
    let bulkhead = Bulkhead::builder().name("stock").build().unwrap();
    starts(bulkhead.set_limit(0), "bulkhead 'stock': limit is 0, but");
    starts(bulkhead.with_weight(0), "bulkhead 'stock': weight is 0, but");
    let rate = RateLimit::builder().name("stock").per_second(1).build().unwrap();
    starts(rate.set_rate(0, ZERO), "rate limit 'stock': ");
}

#[test]
fn in_a_pipeline_it_has_its_own_name_or_that_of_the_pipeline() {
    let retry = || Retry::builder().max_attempts(0);
    let pipeline = || Pipeline::builder("inventory");
    starts(pipeline().retry(retry()).build(), "retry 'inventory': max_attempts is 0, but");
    starts(
        pipeline().retry(retry().name("stock")).build(),
        "retry 'stock': max_attempts is 0, but",
    );
    starts(pipeline().bulkhead(0).build(), "bulkhead 'inventory': limit");
    let standard = Pipeline::standard("inventory").congestion_control(|it| it.max_attempts(0));
    starts(standard.build(), "congestion control 'inventory': max_attempts is 0, but");
    starts(Pipeline::builder("a\nb").build(), "pipeline: name is \"a\\nb\", but must be free of");
}
