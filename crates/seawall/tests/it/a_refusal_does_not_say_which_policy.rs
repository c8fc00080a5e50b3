//! `retry: max_attempts is 0` did not say which of a service's retries.

use seawall::{
    AdaptiveLimit, Breaker, Bulkhead, ConfigError, Fallback, Hedge, Pipeline, RateLimit, Retry,
    Throttle,
};

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
fn in_a_pipeline_it_has_its_own_name_or_that_of_the_pipeline() {
    let retry = || Retry::builder().max_attempts(0);
    let pipeline = || Pipeline::builder("inventory");
    starts(pipeline().retry(retry()).build(), "retry 'inventory': max_attempts is 0, but");
    starts(
        pipeline().retry(retry().name("stock")).build(),
        "retry 'stock': max_attempts is 0, but",
    );
    starts(pipeline().bulkhead(0).build(), "bulkhead 'inventory': limit");
    let standard = Pipeline::standard("inventory").retry(|retry| retry.max_attempts(0));
    starts(standard.build(), "retry 'inventory': max_attempts is 0, but");
    starts(Pipeline::builder("a\nb").build(), "pipeline: name is \"a\\nb\", but must be free of");
}
