//! A policy given as a builder reported its events to the pipeline's listener, the same policy given
//! as a handle reported none; nor did what a keyed set hands out.

use std::time::Duration;

use seawall::breaker::KeyedBreaker;
use seawall::limit::{KeyedRateLimit, KeyedThrottle, ThrottleBuilder};
use seawall::retry::KeyedBudget;
use seawall::{
    AdaptiveLimit, Breaker, Budget, Bulkhead, CongestionControl, Event, Fallback, Hedge, Layer,
    Listeners, PanicGuard, Pipeline, Policy, Random, RateLimit, Retry, Shutdown, Throttle, Timeout,
};
use seawall_testkit::Recorder;

async fn down() -> Result<u32, &'static str> {
    Err("down")
}

const CALLS: usize = 2;

/// The kinds of the events that a pipeline's listener receives while two calls fail through `layer`.
macro_rules! heard_through {
    ($layer:expr) => {
        heard_through!($layer, down)
    };
    ($layer:expr, $call:expr) => {{
        let recorder = Recorder::default();
        let pipeline = Pipeline::builder("inventory").layer($layer);
        let pipeline = pipeline.listener(recorder.clone()).build().unwrap();
        for _ in 0..CALLS {
            drop(pipeline.call($call).await);
        }
        recorder.kinds()
    }};
}

/// What is heard of a handle is what is heard of its builder, and it is something.
macro_rules! is_heard_as_a_handle {
    ($builder:expr) => {
        is_heard_as_a_handle!($builder, down)
    };
    ($builder:expr, $call:expr) => {{
        let of_builder = heard_through!($builder, $call);
        assert!(!of_builder.is_empty());
        assert_eq!(heard_through!($builder.build().unwrap(), $call), of_builder);
    }};
}

#[tokio::test(start_paused = true)]
async fn every_policy_is_heard_as_a_handle() {
    is_heard_as_a_handle!(Breaker::builder().consecutive_failures(1));
    is_heard_as_a_handle!(Retry::builder().idempotent());
    is_heard_as_a_handle!(CongestionControl::builder());
    is_heard_as_a_handle!(Hedge::builder().delay(Duration::ZERO));
    is_heard_as_a_handle!(Fallback::try_with(|_| None::<u32>));
    is_heard_as_a_handle!(RateLimit::builder().per_second(1).burst(1));
    let endless = std::future::pending::<Result<u32, &str>>;
    is_heard_as_a_handle!(Timeout::builder().limit(Duration::from_secs(1)), endless);
    let panics = || async { panic!("on purpose") as Result<u32, &str> };
    is_heard_as_a_handle!(PanicGuard::builder(), panics);
}

#[tokio::test(start_paused = true)]
async fn limits_are_heard_as_handles() {
    let bulkhead = Bulkhead::builder().limit(1).build().unwrap();
    let permit = bulkhead.try_acquire().unwrap();
    assert_eq!(heard_through!(bulkhead.clone()), ["rejected"; 2]);
    assert_eq!(heard_through!(bulkhead.for_tenant("acme")), ["rejected"; 2]);
    drop(permit);
    let queue = Bulkhead::builder().limit(1).queue(1, Duration::from_secs(1)).build().unwrap();
    let permit = queue.try_acquire().unwrap();
    assert_eq!(heard_through!(queue.clone()), ["rejected"; 2], "after a wait");
    drop(permit);
    let adaptive = AdaptiveLimit::builder().initial(1).min(1).build().unwrap();
    let permit = adaptive.try_acquire().unwrap();
    assert_eq!(heard_through!(adaptive.clone()), ["rejected"; 2]);
    drop(permit);
    let shutdown = Shutdown::builder().build().unwrap();
    let gate = seawall::shutdown::ShutdownGate::builder().coordinator(&shutdown).build().unwrap();
    shutdown.trigger("a test");
    let report = shutdown.run().await;
    drop(report);
    assert_eq!(heard_through!(gate), ["rejected"; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_budget_is_heard_wherever_the_retry_comes_from() {
    let empty = || Budget::builder().reserve(0.0).deposit(0.0).build().unwrap();
    let builder = Retry::builder().idempotent().budget(&empty());
    assert!(heard_through!(builder).contains(&"budget_exhausted"));
    let handle = Retry::builder().idempotent().budget(&empty()).build().unwrap();
    assert!(heard_through!(handle).contains(&"budget_exhausted"));
    let budgets =
        KeyedBudget::<String>::new(Budget::builder().reserve(0.0).deposit(0.0), 9).unwrap();
    let retry = Retry::builder().idempotent().build().unwrap();
    let of_key = retry.with_budget(&budgets.get("db-1"));
    assert!(heard_through!(of_key).contains(&"budget_exhausted"));
}

/// One that sheds the second call, whose probability is a half.
fn throttle() -> ThrottleBuilder {
    Throttle::builder().min_requests(1).random(Random::from_fn(|| 0))
}

#[tokio::test(start_paused = true)]
async fn what_a_keyed_set_hands_out_is_heard() {
    let hosts =
        KeyedBreaker::<String>::new(Breaker::builder().name("hosts").consecutive_failures(1), 9)
            .unwrap();
    assert_eq!(heard_through!(hosts.get("db-1")), ["transition", "rejected"]);
    let tenants =
        KeyedRateLimit::<String>::new(RateLimit::builder().per_second(1).burst(1), 9).unwrap();
    assert_eq!(heard_through!(tenants.get("acme")), ["rejected"]);
    let throttles = KeyedThrottle::<String>::new(throttle(), 9).unwrap();
    assert_eq!(heard_through!(throttles.get("db-1")), ["rejected"]);
    assert_eq!(heard_through!(throttle().build().unwrap()), ["rejected"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_goes_to_the_pipeline_whose_call_caused_it() {
    let (own, reads, writes) = (Recorder::default(), Recorder::default(), Recorder::default());
    let breaker = Breaker::builder().name("warehouse").consecutive_failures(2).build().unwrap();
    breaker.listeners().add(own.clone());
    let pipeline = |name: &str, listener: &Recorder| {
        Pipeline::builder(name).breaker(breaker.clone()).listener(listener.clone()).build().unwrap()
    };
    let (for_reads, for_writes) = (pipeline("reads", &reads), pipeline("writes", &writes));
    drop(for_reads.call(down).await);
    drop(for_writes.call(down).await);
    drop(for_reads.call(down).await);
    writes.assert_kinds(&["transition"]);
    reads.assert_kinds(&["rejected"]);
    own.assert_kinds(&["transition", "rejected"]);
    breaker.reset();
    own.assert_kinds(&["transition"]);
    assert_eq!((reads.kinds().len(), writes.kinds().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_is_reported_to_its_pipeline() {
    use seawall::breaker::Abandoned;
    let breaker =
        Breaker::builder().consecutive_failures(1).abandoned_as(Abandoned::Failure).build();
    let recorder = Recorder::default();
    let pipeline = Pipeline::builder("inventory").breaker(breaker.unwrap());
    let pipeline = pipeline.listener(recorder.clone()).build().unwrap();
    let call = pipeline.call(std::future::pending::<Result<u32, &str>>);
    drop(tokio::time::timeout(Duration::from_secs(1), call).await);
    recorder.assert_kinds(&["transition"]);
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_is_in_both_sets_hears_an_event_once() {
    let recorder = Recorder::default();
    let breaker = Breaker::builder().consecutive_failures(1).build().unwrap();
    breaker.listeners().add(recorder.clone());
    let pipeline = Pipeline::builder("inventory").breaker(breaker);
    let pipeline = pipeline.listener(recorder.clone()).build().unwrap();
    drop(pipeline.call(down).await);
    drop(pipeline.call(down).await);
    recorder.assert_kinds(&["transition", "rejected"]);
}

#[tokio::test(start_paused = true)]
async fn a_set_that_is_given_to_both_hears_an_event_once() {
    let recorder = Recorder::default();
    let listeners = Listeners::default();
    // A closure has no identity: the entry of the set is what both have in common.
    let heard = recorder.clone();
    listeners.add(move |event: &Event| seawall::Listener::on_event(&heard, event));
    let breaker = Breaker::builder().consecutive_failures(1).listeners(&listeners);
    let pipeline = Pipeline::builder("inventory").breaker(breaker.build().unwrap());
    let pipeline = pipeline.listeners(&listeners).build().unwrap();
    drop(pipeline.call(down).await);
    drop(pipeline.call(down).await);
    recorder.assert_kinds(&["transition", "rejected"]);
}

#[tokio::test(start_paused = true)]
async fn building_registers_nothing_in_the_handle() {
    let recorder = Recorder::default();
    let breaker = Breaker::builder().consecutive_failures(1).build().unwrap();
    for _ in 0..3 {
        let pipeline = Pipeline::builder("inventory").breaker(breaker.clone());
        drop(pipeline.listener(recorder.clone()).build().unwrap());
    }
    assert!(breaker.listeners().is_empty());
    drop(breaker.call(down()).await);
    assert!(breaker.call(down()).await.unwrap_err().rejection().is_some());
    recorder.assert_kinds(&[]);
}

#[tokio::test(start_paused = true)]
async fn the_standard_pipeline_hears_handles_too() {
    let recorder = Recorder::default();
    let breaker = Breaker::builder().consecutive_failures(1).build().unwrap();
    let pipeline =
        Pipeline::standard("inventory").with_breaker(breaker).without_congestion_control();
    let pipeline = pipeline.listener(recorder.clone()).build().unwrap();
    drop(pipeline.call(down).await);
    recorder.assert_kinds(&["transition"]);
}

/// Front page: what is the key's goes into a pipeline that is built for the call.
#[tokio::test(start_paused = true)]
async fn a_pipeline_that_is_built_for_each_call_hears_its_host() {
    let recorder = Recorder::default();
    let retry = Retry::builder().idempotent().max_attempts(2).build().unwrap();
    let hosts =
        KeyedBreaker::<String>::new(Breaker::builder().name("hosts").consecutive_failures(20), 9)
            .unwrap();
    for _ in 0..10 {
        let pipeline = Pipeline::builder("db-1").retry(retry.clone()).breaker(hosts.get("db-1"));
        let pipeline = pipeline.listener(recorder.clone()).build().unwrap();
        drop(pipeline.call(down).await);
    }
    let opened = recorder.path();
    assert_eq!(opened, ["closed → open"]);
    assert_eq!(recorder.kinds().iter().filter(|kind| **kind == "gave_up").count(), 10);
}

/// A policy of one's own needs one line.
#[test]
fn an_option_and_a_chain_pass_it_on() {
    let listeners = Listeners::default();
    listeners.add(|_: &Event| {});
    let context = {
        let mut context = seawall::policy::LayerContext::new("inventory");
        context.listeners = listeners;
        context
    };
    let bulkhead = Bulkhead::builder().limit(1).build().unwrap();
    let policy = Some(bulkhead).into_policy(&context).unwrap();
    assert_eq!(policy.describe(seawall::Description::bare()).layers().len(), 1);
}
