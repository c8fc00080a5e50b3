//! An attempt timeout around the retry, a fallback inside of it, a queue that waits longer than its
//! caller: all of it was built without a word. Each rule has one pipeline that breaks it and one next to
//! it that does not.

use std::io;
use std::time::Duration;

use seawall::breaker::Abandoned;
use seawall::{
    AdaptiveLimit, Breaker, Budget, Bulkhead, ConfigError, Description, ExpectedLoad, Fallback,
    Finding, Hedge, Layer, Pipeline, PipelineBuilder, Policy, PolicyKind, RateLimit, Registry,
    Retry, Scope, Severity, Timeout,
};

const SECOND: Duration = Duration::from_secs(1);

fn named() -> PipelineBuilder {
    Pipeline::builder("inventory")
}

fn retry() -> seawall::retry::RetryBuilder {
    Retry::builder().idempotent()
}

fn breaker() -> seawall::breaker::BreakerBuilder {
    Breaker::builder()
}

/// Refused, by this message.
fn refused<L: Layer, C>(pipeline: PipelineBuilder<L, C>, message: &str) {
    let error: ConfigError = pipeline.build().map(drop).unwrap_err();
    assert_eq!(error.to_string(), message);
}

/// The findings of `rule`.
fn found<L: Layer, C>(pipeline: PipelineBuilder<L, C>, rule: &str) -> Vec<Finding> {
    let pipeline = pipeline.build().unwrap();
    let description = pipeline.describe();
    assert_eq!(description.findings(), pipeline.findings());
    let found: Vec<_> = pipeline.findings().into_iter().filter(|it| it.rule == rule).collect();
    for finding in &found {
        assert!(description.to_string().contains(&finding.to_string()), "{description}");
    }
    found
}

/// One finding of `rule`, that reads like this.
fn says<L: Layer, C>(pipeline: PipelineBuilder<L, C>, rule: &str, text: &str) {
    let texts: Vec<_> = found(pipeline, rule).iter().map(ToString::to_string).collect();
    assert_eq!(texts, [format!("{text} [{rule}]")]);
}

fn silent<L: Layer, C>(pipeline: PipelineBuilder<L, C>, rule: &str) {
    assert_eq!(found(pipeline, rule), []);
}

#[test]
fn an_attempt_timeout_outside_of_what_repeats() {
    let message = "timeout 'inventory': layer is around retry 'inventory', where it cuts off all \
                   attempts together, but must be inside of what repeats; a limit of all attempts has \
                   the scope of a call";
    refused(named().attempt_timeout(SECOND).retry(retry()), message);
    let message = message.replace("retry '", "hedge '");
    refused(named().attempt_timeout(SECOND).hedge(Hedge::builder()), &message);
    assert!(named().retry(retry()).attempt_timeout(SECOND).build().is_ok());
    assert!(named().timeout(SECOND).retry(retry()).build().is_ok());
    let once = Retry::builder().max_attempts(1);
    assert!(named().attempt_timeout(SECOND).retry(once).build().is_ok());
}

#[test]
fn an_attempt_timeout_outside_of_the_breaker() {
    let message = "timeout 'inventory': layer is around breaker 'inventory', which takes an attempt that \
                   is cut off for one that was given up: it never opens for a dependency that does not \
                   answer, but must be inside the breaker";
    refused(named().retry(retry()).attempt_timeout(SECOND).breaker(breaker()), message);
    assert!(named().retry(retry()).breaker(breaker()).attempt_timeout(SECOND).build().is_ok());
    let counting = breaker().abandoned_as(Abandoned::Failure);
    assert!(named().attempt_timeout(SECOND).breaker(counting).build().is_ok());
    let both = named().attempt_timeout(SECOND).breaker(breaker()).attempt_timeout(SECOND / 2);
    assert!(both.build().is_ok());
}

#[test]
fn an_adaptive_limit_outside_of_the_attempts_timeout() {
    let message = "adaptive limit 'inventory': layer is around timeout 'inventory', so that it does not \
                   know how long an attempt may take, but must be inside that timeout";
    let limit = AdaptiveLimit::builder;
    refused(named().adaptive_limit(limit()).attempt_timeout(SECOND), message);
    assert!(named().attempt_timeout(SECOND).adaptive_limit(limit()).build().is_ok());
    assert!(named().timeout(SECOND).adaptive_limit(limit()).build().is_ok());
}

#[test]
fn a_fallback_inside_of_the_retry_or_the_breaker() {
    let stock = || Fallback::<u32, io::Error>::value(0);
    let message = "fallback 'inventory': layer is inside retry 'inventory', where it answers for every \
                   first failure, but must be around the retry";
    refused(named().retry(retry()).fallback(stock()), message);
    let message = "fallback 'inventory': layer is inside breaker 'inventory', which sees nothing but \
                   successes, but must be around the breaker";
    refused(named().breaker(breaker()).fallback(stock()), message);
    assert!(named().fallback(stock()).retry(retry()).breaker(breaker()).build().is_ok());
    // It answers for what is not there, and leaves failures alone.
    let missing = stock().when(|class| class == seawall::Class::Permanent);
    assert!(named().retry(retry()).fallback(missing).build().is_ok());
}

#[test]
fn an_attempt_timeout_no_shorter_than_the_whole_call() {
    let message = "timeout 'inventory': limit is 1s, where timeout 'inventory' ends a call after 1s, but \
                   must be shorter than what the whole call has";
    refused(named().timeout(SECOND).attempt_timeout(SECOND), message);
    assert!(named().timeout(SECOND).attempt_timeout(SECOND / 2).build().is_ok());
    let standard = || Pipeline::standard("inventory").timeout(SECOND);
    assert_eq!(standard().attempt_timeout(SECOND).build().unwrap_err().field, "limit");
    // The default one is none where the call has no more time.
    assert!(standard().build().is_ok());
    let by_function = Timeout::builder().limit_by(|_| SECOND).scope(Scope::Attempt);
    assert!(named().timeout(SECOND).layer(by_function).build().is_ok());
}

#[test]
fn calls_that_weigh_more_than_the_limit() {
    let bulkhead = Bulkhead::builder().name("printers").limit(3).build().unwrap();
    let message = "bulkhead 'printers': weight is 4, of a limit of 3: no call can ever start, but must \
                   be at most the limit";
    refused(named().layer(bulkhead.with_weight(4).unwrap()), message);
    assert!(named().layer(bulkhead.with_weight(3).unwrap()).build().is_ok());
}

#[test]
fn a_breaker_outside_of_the_retry() {
    let rule = "order/breaker-outside-retry";
    let text = "warning: breaker 'inventory': layer is around retry 'inventory', so that a call counts \
                once, whatever its attempts met, and an open circuit is found late, but should be inside \
                the retry, unless calls are what it is to count";
    says(named().breaker(breaker()).retry(retry()), rule, text);
    silent(named().retry(retry()).breaker(breaker()), rule);
}

#[test]
fn a_limit_outside_of_the_retry() {
    let rule = "order/limit-outside-retry";
    let text = "warning: bulkhead 'inventory': layer is around retry 'inventory', so that a call holds \
                its place while it waits, but should be inside the retry";
    says(named().bulkhead(3).retry(retry()), rule, text);
    says(
        named().adaptive_limit(AdaptiveLimit::builder()).retry(retry()),
        rule,
        &text.replace("bulkhead", "adaptive limit"),
    );
    silent(named().retry(retry()).bulkhead(3), rule);
}

#[test]
fn a_panic_guard_around_what_counts() {
    let rule = "order/panic-guard-outermost";
    let text = "warning: panic guard 'inventory': layer is around breaker 'inventory', through which a \
                panic passes uncounted, but should be the innermost";
    says(named().guard_panics().breaker(breaker()), rule, text);
    silent(named().breaker(breaker()).guard_panics(), rule);
    silent(named().guard_panics().breaker(breaker()).guard_panics(), rule);
}

#[test]
fn a_rate_limit_inside_of_the_retry() {
    let rule = "order/rate-limit-inside-retry";
    let rate = || RateLimit::builder().per_second(10);
    let text = "info: rate limit 'inventory': layer is inside retry 'inventory', whose retries use up the \
                rate, but should be around the retry, unless attempts are what it is to count";
    says(named().retry(retry()).rate_limit(rate()), rule, text);
    silent(named().rate_limit(rate()).retry(retry()), rule);
}

#[test]
fn attempts_that_do_not_fit_into_the_timeout() {
    let rule = "sum/attempts-do-not-fit";
    let patient = || retry().backoff(SECOND);
    let text = "warning: retry 'inventory': max_attempts is 3, which take 8s with 2s each and at least 2s \
                between them; timeout 'inventory' ends a call after 7s, but should be as many as fit: \
                fewer attempts, shorter ones, or a longer timeout";
    let within = |limit| named().timeout(limit).retry(patient()).attempt_timeout(2 * SECOND);
    says(within(7 * SECOND), rule, text);
    silent(within(8 * SECOND), rule);
    // Full jitter waits for nothing at least; without a timeout of the attempt there is nothing to add.
    let jittered = named().timeout(7 * SECOND).retry(retry()).attempt_timeout(2 * SECOND);
    silent(jittered, rule);
    silent(named().timeout(SECOND).retry(patient()), rule);
    let standard = Pipeline::standard("inventory").idempotent().build().unwrap();
    assert_eq!(standard.findings(), []);
}

#[test]
fn two_policies_that_repeat() {
    let rule = "sum/amplification";
    let text = "warning: custom 'mine': layer is around retry 'inventory', so that one call is up to 6 \
                requests, but should be the only one that repeats, or both with few attempts";
    let text = text.replace("custom", "redundant");
    says(named().layer(Redundant(2)).retry(retry()), rule, &text);
    silent(named().layer(Redundant(1)).retry(retry()), rule);
    silent(named().layer(Redundant(2)).retry(retry().max_attempts(2)), rule);
}

/// A policy of the user's own that repeats.
struct Redundant(u32);

impl Policy for Redundant {
    type Wrapped<'p, Op> = Op;

    fn wrap<Op>(&self, op: Op) -> Op {
        op
    }

    fn describe(&self, inner: Description) -> Description {
        let kind = PolicyKind::Custom(seawall::policy::Label::new("redundant"));
        let attempts = inner.max_attempts().map(|inner| inner * u64::from(self.0));
        let settings = seawall::policy::Settings::new().with("max_attempts", self.0);
        inner.layer_with(kind, &"mine".into(), "asks several", settings).with_max_attempts(attempts)
    }
}

#[test]
fn an_open_circuit_that_lasts_longer_than_ten_calls() {
    let rule = "sum/open-longer-than-timeout";
    let text = "warning: breaker 'inventory': open_wait is up to 60s, more than 10 times the 5s of \
                timeout 'inventory': a short outage becomes a long one, but should be shorter";
    let within =
        |limit, wait: Duration| named().timeout(limit).breaker(Breaker::builder().open_wait(wait));
    says(within(5 * SECOND, 60 * SECOND), rule, text);
    silent(within(6 * SECOND, 60 * SECOND), rule);
    silent(named().timeout(SECOND).breaker(breaker()), rule);
}

#[test]
fn a_queue_that_waits_longer_than_its_caller() {
    let rule = "sum/queue-longer-than-timeout";
    let queue = |wait| Bulkhead::builder().limit(3).queue(200, wait);
    let text = "warning: bulkhead 'inventory': longest_wait is 30s, where timeout 'inventory' ends a call \
                after 2s: places go to calls that have no time left, but should be so much shorter than \
                the timeout that a call can still be made";
    says(named().timeout(2 * SECOND).layer(queue(30 * SECOND)), rule, text);
    silent(named().timeout(2 * SECOND).layer(queue(SECOND)), rule);
    silent(named().layer(queue(30 * SECOND)).timeout(2 * SECOND), rule);
}

#[test]
fn a_retry_without_budget_or_without_a_timeout_inside() {
    let rule = "retry/no-budget";
    let text = "warning: retry 'inventory': budget is left out: a dependency that is down gets all \
                attempts of all calls, but should be the default one, or one that several share";
    says(named().retry(retry().without_budget()), rule, text);
    silent(named().retry(retry()), rule);
    silent(named().retry(retry().without_budget().max_attempts(1)), rule);

    let rule = "retry/no-attempt-timeout";
    let text = "warning: retry 'inventory': layer is around no timeout: the first attempt that is never \
                answered is the last, but should be around an attempt timeout";
    says(named().timeout(SECOND).retry(retry()), rule, text);
    silent(named().retry(retry()).attempt_timeout(SECOND), rule);
}

#[test]
fn a_window_that_sees_too_few_calls() {
    let rule = "breaker/window-too-small";
    let watched = |per_second: f64| {
        let window = breaker().time_window(10 * SECOND).min_calls(100);
        named().expected_load(ExpectedLoad::per_second(per_second)).breaker(window)
    };
    let text = "warning: breaker 'inventory': min_calls is 100, where 10s see 50 calls: no rate opens it, \
                but should be as few as the window sees, or the window longer";
    says(watched(5.0), rule, text);
    silent(watched(10.0), rule);
}

#[test]
fn a_limit_below_the_expected_load() {
    let rule = "limit/below-expected-load";
    let load = ExpectedLoad::per_second(200.0).taking(Duration::from_millis(50));
    let text = "warning: bulkhead 'inventory': limit is 9, where the expected load has 10 calls in flight \
                half of the time, but should be above that, so that nothing is refused in good times";
    says(named().expected_load(load).bulkhead(9), rule, text);
    silent(named().expected_load(load).bulkhead(10), rule);
    silent(named().bulkhead(9), rule);
    let capped = AdaptiveLimit::builder().initial(5).max(9);
    assert_eq!(found(named().expected_load(load).adaptive_limit(capped), rule)[0].field, "max");
    let standard = Pipeline::standard("inventory").idempotent().expected_load(load);
    assert_eq!(standard.build().unwrap().findings(), []);
}

#[test]
fn one_budget_for_a_busy_and_an_idle_pipeline() {
    let budget = Budget::builder().name("all").build().unwrap();
    let pipeline = |name: &str, per_second| {
        let load = ExpectedLoad::per_second(per_second);
        let pipeline = Pipeline::builder(name).expected_load(load);
        pipeline.retry(retry().budget(&budget)).build().unwrap()
    };
    let registry = Registry::default();
    registry.register(&pipeline("search", 500.0)).unwrap();
    registry.register(&pipeline("prices", 50.0)).unwrap();
    assert_eq!(registry.findings(), []);
    let nightly = pipeline("nightly", 5.0);
    registry.register(&nightly).unwrap();
    registry.register(&nightly).unwrap();
    let text = "info: budget 'all': budget is one for 'search' with 500 calls a second and for 'nightly' \
                with 5, but should be one each, as the busy one decides what the other may repeat \
                [share/budget-of-many]";
    assert_eq!(registry.findings().iter().map(ToString::to_string).collect::<Vec<_>>(), [text]);
    registry.remove(&nightly);
    assert_eq!(registry.findings(), []);
}

#[test]
fn findings_come_with_the_worst_first() {
    let rate = RateLimit::builder().per_second(10);
    let pipeline = named().bulkhead(3).retry(Retry::builder()).rate_limit(rate).build().unwrap();
    let severities: Vec<_> = pipeline.findings().iter().map(|it| it.severity).collect();
    assert!(severities.is_sorted_by(|one, next| one >= next), "{severities:?}");
    assert_eq!(severities.iter().max(), Some(&Severity::Warning));
    let boxed = pipeline.boxed::<u32, io::Error>();
    assert_eq!(boxed.findings().len(), severities.len());
}
