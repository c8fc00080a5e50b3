//! A call whose last answer was a failure, given as an `Ok`, counted as one for which a fallback had
//! answered.

use std::time::Duration;

use seawall::{ByOutcome, Class, ConfigError, Pipeline, Random, StandardPipeline};
use seawall_rehearse::{Answer, rehearse};

use crate::{fault, scenario};

type ByStatus = ByOutcome<fn(Result<&u16, &&'static str>) -> Class>;

fn class_of(outcome: Result<&u16, &&'static str>) -> Class {
    match outcome {
        Ok(200) => Class::Success,
        _ => Class::Transient,
    }
}

fn by_status(random: Random) -> Result<StandardPipeline<ByStatus>, ConfigError> {
    standard(random).classify(ByOutcome(class_of as fn(Result<&_, &_>) -> _)).build()
}

fn by_error(random: Random) -> Result<StandardPipeline, ConfigError> {
    standard(random).build()
}

fn standard(random: Random) -> seawall::StandardBuilder {
    Pipeline::standard("shop")
        .timeout(Duration::from_millis(500))
        .attempt_timeout(Duration::from_millis(100))
        .idempotent()
        .random(random)
}

#[test]
fn a_status_is_worth_as_much_as_an_error() {
    let scenario = scenario(80, &(fault("errors") + "share = 0.9"));
    let statuses = rehearse(&scenario, by_status, |answer| match answer {
        Answer::Done => Ok(200),
        _ => Ok(503),
    });
    let errors = rehearse(&scenario, by_error, |answer| match answer {
        Answer::Done => Ok(200),
        _ => Err("down"),
    });
    assert!(errors.loss() > Duration::ZERO, "{errors}");
    assert_eq!(statuses.loss(), errors.loss(), "{statuses}");
    assert!(statuses.figures().substituted < 1e-9, "{:?}", statuses.figures());
    assert!((statuses.amplification() - errors.amplification()).abs() < 1e-9, "{statuses}");
}
