//! Rehearsing inside of tests of every kind.

use std::time::Duration;

use seawall::Random;
use seawall::{Class, Classify, ConfigError, Pipeline, StandardPipeline, Verdict};
use seawall_rehearse::{Answer, Scenario, rehearse};

use crate::{fault, scenario};

#[derive(Debug)]
enum ShopError {
    Status(u16),
    Connection,
}

struct Errors;

impl<T> Classify<T, ShopError> for Errors {
    type Failure = ShopError;

    fn classify(&self, outcome: Result<&T, &ShopError>) -> Verdict {
        match outcome {
            Ok(_) => Class::Success.into(),
            Err(ShopError::Status(503)) => Class::Overloaded { retry_after: None }.into(),
            Err(ShopError::Status(_) | ShopError::Connection) => Class::Transient.into(),
        }
    }
}

fn build(random: Random) -> Result<StandardPipeline<Errors>, ConfigError> {
    Pipeline::standard("shop")
        .timeout(Duration::from_millis(500))
        .attempt_timeout(Duration::from_millis(100))
        .idempotent()
        .random(random)
        .classify(Errors)
        .build()
}

fn to_result(answer: Answer) -> Result<&'static str, ShopError> {
    match answer {
        Answer::Done => Ok("three in stock"),
        Answer::Failed => Err(ShopError::Status(500)),
        Answer::Overloaded => Err(ShopError::Status(503)),
        _ => Err(ShopError::Connection),
    }
}

fn freeze() -> Scenario {
    scenario(80, &fault("freeze"))
}

#[test]
fn in_a_test() {
    let rehearsed = rehearse(&freeze(), build, to_result);
    assert!(rehearsed.recovery() < Duration::from_secs(1), "{rehearsed}");
    assert!(rehearsed.loss() < Duration::from_secs(4), "{rehearsed}");
    assert!(rehearsed.amplification() < 1.6 && !rehearsed.is_metastable(), "{rehearsed}");
}

#[tokio::test(start_paused = true)]
async fn in_a_test_of_tokio_whose_clock_stands_still() {
    let began = tokio::time::Instant::now();
    let rehearsed = rehearse(&freeze(), build, to_result);
    assert!(rehearsed.recovery() < Duration::from_secs(1), "{rehearsed}");
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_test_of_tokio_with_threads() {
    let rehearsed = rehearse(&freeze(), build, to_result);
    assert!(!rehearsed.is_metastable(), "{rehearsed}");
}

#[test]
fn the_share_of_the_possible_gain() {
    let down = scenario(140, &fault("freeze"));
    let rehearsed = rehearse(&down, build, to_result);
    let gain = rehearsed.gain().expect("an omniscient client saves more than 0.3 s");
    assert!(gain <= 1.2, "{gain}");
    let none = rehearse(
        &down,
        |_| Pipeline::builder("none").timeout(Duration::from_millis(500)).build(),
        to_result,
    );
    assert!(none.gain().is_some_and(|gain| gain.abs() < 1e-9));
}

#[test]
fn a_pipeline_of_a_users_own_layers() {
    let build = |random: Random| {
        Pipeline::builder("own")
            .timeout(Duration::from_millis(500))
            .retry(seawall::Retry::builder().idempotent().random(random))
            .attempt_timeout(Duration::from_millis(100))
            .build()
    };
    let rehearsed = rehearse(&scenario(40, &(fault("errors") + "share = 0.3")), build, to_result);
    assert!(rehearsed.amplification() > 1.0, "{rehearsed}");
}
