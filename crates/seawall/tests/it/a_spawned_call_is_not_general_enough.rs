//! A task that makes a call with `&'static str` errors did not compile: "one type is more general than the
//! other". The compiler checks whether the task is `Send` with each lifetime in its types taken for
//! another, and the standard pipeline had the operation's type in it twice.

use seawall::{BoxPipeline, Class, Fallback, Hedge, Pipeline, PolicyExt, Retry};

/// Spawns a call of the pipeline that fails; gives how often it was made.
macro_rules! spawned {
    ($pipeline:expr, $call:expr) => {{
        let pipeline = $pipeline;
        tokio::spawn(async move { pipeline.call($call).await.unwrap_err().to_string() })
            .await
            .unwrap()
    }};
}

#[tokio::test(start_paused = true)]
async fn a_plain_error() {
    let standard = || Pipeline::standard("inventory").build().unwrap();
    assert!(spawned!(standard(), || async { Err::<(), _>("down") }).ends_with("down"));
    assert!(spawned!(standard(), async || Err::<(), _>("down")).ends_with("down"));
    assert!(spawned!(standard(), || std::future::ready(Err::<(), _>("down"))).ends_with("down"));
    let own = || {
        let retry = Retry::builder().build().unwrap();
        Pipeline::builder("inventory").retry(retry).breaker(seawall::Breaker::builder())
    };
    assert!(spawned!(own().build().unwrap(), || async { Err::<(), _>("down") }).ends_with("down"));
    let hedged = Pipeline::builder("inventory").hedge(Hedge::builder()).build().unwrap();
    assert!(spawned!(hedged, || async { Err::<(), _>("down") }).ends_with("down"));
}

#[tokio::test(start_paused = true)]
async fn with_a_classifier() {
    let by_closure = || {
        let standard = Pipeline::standard("inventory");
        standard.classify(|error: &&str| match *error {
            "down" => Class::Permanent,
            _ => Class::Transient,
        })
    };
    let call = || async { Err::<(), _>("down") };
    assert_eq!(spawned!(by_closure().build().unwrap(), call), "down");
    assert_eq!(spawned!(by_closure().build().unwrap(), async || Err::<(), _>("down")), "down");
    let boxed: BoxPipeline<(), &str> = by_closure().build().unwrap().boxed();
    assert_eq!(spawned!(boxed, call), "down");
    // A closure that says 'static goes through a box.
    let said = Pipeline::standard("inventory").classify(|_: &&'static str| Class::Permanent);
    let boxed: BoxPipeline<(), &'static str> = said.build().unwrap().boxed();
    assert_eq!(spawned!(boxed, call), "down");
    let alone = Retry::builder().build().unwrap().classify(|_: &&str| Class::Permanent);
    assert_eq!(spawned!(alone, call), "down");
}

#[tokio::test(start_paused = true)]
async fn with_a_fallback() {
    let pipeline = Pipeline::builder("inventory").fallback(Fallback::value(7)).build().unwrap();
    let boxed: BoxPipeline<u32, &str> = pipeline.boxed();
    let task = tokio::spawn(async move { boxed.call(|| async { Err("down") }).await.ok() });
    assert_eq!(task.await.unwrap(), Some(7));
}
