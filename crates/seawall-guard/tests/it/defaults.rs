//! The default names, limits and listeners of guards.

use std::future::pending;
use std::time::Duration;

use seawall_core::{Layer, LayerContext, Scope};
use seawall_guard::timeout::{
    Blocking, DEFAULT_ATTEMPT_LIMIT, DEFAULT_LIMIT, Detach, TimeoutBuilder,
};
use seawall_guard::{Fallback, PanicGuard, Timeout};
use seawall_testkit::Recorder;

#[tokio::test(start_paused = true)]
async fn a_timeout_waits_as_long_as_its_scope_says() {
    let table = [
        (Timeout::builder(), DEFAULT_LIMIT),
        (Timeout::builder().scope(Scope::Total), DEFAULT_LIMIT),
        (Timeout::builder().scope(Scope::Attempt), DEFAULT_ATTEMPT_LIMIT),
    ];
    let limit = async |builder: TimeoutBuilder| {
        let timeout = builder.build().unwrap();
        let error = timeout.call(pending::<Result<(), ()>>()).await.unwrap_err();
        error.timed_out().unwrap().limit()
    };
    for (builder, expected) in table {
        assert_eq!(limit(builder).await, expected);
    }
}

#[tokio::test]
async fn a_pipeline_gives_its_name_and_listeners_to_guards_that_have_none() {
    let context = LayerContext::new("orders");
    let recorder = Recorder::default();
    context.listeners.add(recorder.clone());

    let timeout = Timeout::builder().limit(Duration::ZERO).into_policy(&context).unwrap();
    assert!(timeout.call(pending::<Result<(), ()>>()).await.is_err());
    let fallback = Fallback::value(7).into_policy(&context).unwrap();
    assert!(fallback.call(async { Err("down") }).await.is_ok());
    let guard = PanicGuard::builder().into_policy(&context).unwrap();
    assert!(
        guard.call(async { if true { panic!("boom") } else { Ok::<(), ()>(()) } }).await.is_err()
    );
    let heard: Vec<_> = recorder.take().iter().map(|event| event.policy.to_string()).collect();
    assert_eq!(heard, ["orders"; 3]);

    let own = Timeout::builder().name("own").into_policy(&context).unwrap();
    assert_eq!(own.name().as_str(), "own");
}

#[tokio::test]
async fn alone_each_is_named_after_its_kind() {
    let name = |error: seawall_core::Error<()>| error.policy().unwrap().to_string();
    let work = || pending::<Result<(), ()>>();

    let detach = Detach::builder().limit(Duration::ZERO);
    assert_eq!(name(detach.clone().build().unwrap().call(work()).await.unwrap_err()), "detach");
    let named = detach.name("pay").build().unwrap();
    assert_eq!(name(named.call(work()).await.unwrap_err()), "pay");

    let blocking = Blocking::builder().build().unwrap();
    let error = blocking.call(|| -> Result<(), ()> { panic!("boom") }).await.unwrap_err();
    assert_eq!(name(error), "blocking");
}
