//! What `build()` refuses, by the name of the field and with its range.

use std::time::Duration;

use seawall_breaker::{Breaker, BreakerBuilder, presets};
use seawall_core::{Backoff, CircuitState, Class, ConfigError, Layer, LayerContext};
use tokio::time::advance;

fn refused(builder: BreakerBuilder) -> ConfigError {
    builder.build().expect_err("a wrong configuration")
}

#[test]
fn what_is_wrong_is_refused_by_name() {
    let new = Breaker::builder;
    let second = Duration::from_secs(1);
    let wrong = [
        (new().failure_rate(0.0), "failure_rate"),
        (new().failure_rate(-0.5), "failure_rate"),
        (new().failure_rate(1.0 + f64::EPSILON), "failure_rate"),
        (new().failure_rate(f64::NAN), "failure_rate"),
        (new().slow_call_rate(f64::NAN, second), "slow_call_rate"),
        (new().slow_call_rate(0.5, Duration::ZERO), "slow_call_after"),
        (new().consecutive_failures(0), "consecutive_failures"),
        (new().count_window(0), "count_window"),
        (new().count_window(1_000_001), "count_window"),
        (new().time_window(Duration::ZERO), "time_window"),
        (new().time_window(Duration::from_nanos(9)), "time_window"),
        (new().time_window(second).slices(0), "slices"),
        (new().time_window(second).slices(9), "slices"),
        (new().time_window(second).slices(1_001), "slices"),
        (new().min_calls(0), "min_calls"),
        (new().count_window(10).min_calls(11), "min_calls"),
        (new().probes(0), "probes"),
        (new().probes(1_001), "probes"),
        (new().probe_successes(0), "probe_successes"),
        (new().probes(3).probe_successes(4), "probe_successes"),
        (new().lease(Duration::ZERO), "lease"),
        (new().open_wait(Duration::ZERO), "open_wait"),
        (new().open_wait(Backoff::exponential(second).factor(f64::NAN)), "factor"),
        (new().wait_for_verdict(0, second), "wait_for_verdict"),
        (new().wait_for_verdict(1, Duration::ZERO), "wait_for_verdict"),
        (new().name(""), "name"),
        (new().name("x".repeat(257)), "name"),
    ];
    for (builder, field) in wrong {
        let error = refused(builder);
        assert_eq!(error.field, field, "{error}");
        assert!(!error.allowed.is_empty());
    }
}

#[test]
fn what_is_just_right_is_built() {
    let new = Breaker::builder;
    let right = [
        new().failure_rate(1.0),
        new().failure_rate(f64::MIN_POSITIVE),
        new().count_window(1).min_calls(1),
        new().count_window(1_000_000),
        new().time_window(Duration::from_nanos(10)).slices(10),
        new().time_window(Duration::MAX).slices(1_000),
        new().probes(1_000).probe_successes(1_000),
        new().open_wait(Duration::MAX).lease(Duration::MAX).forget_after(Duration::MAX),
        new().slow_call_rate(1.0, Duration::MAX),
        new().name("x".repeat(256)),
        new().without_failure_rate().without_consecutive_failures(),
        presets::low_traffic(),
        presets::high_traffic(),
        presets::remote_service(),
    ];
    for builder in right {
        builder.build().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_longest_duration_means_never() {
    let breaker = Breaker::builder()
        .consecutive_failures(1)
        .open_wait(Duration::MAX)
        .slow_call_rate(0.1, Duration::MAX)
        .build()
        .unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    advance(Duration::from_hours(100 * 365 * 24)).await;
    assert_eq!(breaker.try_acquire().unwrap_err().retry_after(), None);
    assert_eq!(breaker.snapshot().retry_after, None);
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[test]
fn a_builder_without_a_name_takes_the_pipelines_and_its_listeners() {
    let context = LayerContext::new("orders");
    let breaker = Breaker::builder().into_policy(&context).unwrap();
    assert_eq!(breaker.name().as_str(), "orders");
    let named = Breaker::builder().name("db").into_policy(&context).unwrap();
    assert_eq!(named.name().as_str(), "db");
    let same = named.clone().into_policy(&context).unwrap();
    same.force_open();
    assert_eq!(named.state(), CircuitState::ForcedOpen);
}

#[test]
fn it_describes_itself_in_a_line() {
    use seawall_core::{Description, Policy};
    let description = Breaker::builder().build().unwrap().describe(Description::bare());
    let text = &description.layers()[0].text;
    assert_eq!(
        text,
        "opens at 20 failures in a row or 50% failed of the last 200 calls, \
         for 100ms growing 2-fold up to 500ms, equal jitter; closes when 2 of 2 probes succeed"
    );
    assert_eq!((description.max_attempts(), description.longest()), (Some(1), None));
}
