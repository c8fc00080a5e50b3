//! A retry to which nobody had said `idempotent` repeated nothing, and said nothing: the error looked as if
//! there were no retry, no event came, and the description claimed "at most 5 attempts".

use std::time::Duration;

use seawall::{Class, Error, Pipeline, Retry, StopReason};
use seawall_testkit::Recorder;

const REASON: &str = "it may have been carried out, and nobody said idempotent";

#[tokio::test(start_paused = true)]
async fn the_error_and_an_event_say_it() {
    let recorder = Recorder::default();
    let pipeline = Pipeline::builder("inventory").retry(Retry::builder().max_attempts(5));
    let pipeline = pipeline.listener(recorder.clone()).build().unwrap();
    let error = pipeline.call(async || Err::<(), _>("down")).await.unwrap_err();
    let gave_up = error.gave_up().expect("a reason");
    assert_eq!((gave_up.why, gave_up.attempts), (StopReason::NotIdempotent, 1));
    assert_eq!(gave_up.why.as_str(), "not_idempotent");
    let text = format!(
        "retry 'inventory': gave up after 1 of 5 attempts in 0.000ns ({REASON}); last: down"
    );
    assert_eq!(error.to_string(), text);
    assert_eq!((error.operation(), error.class()), (Some(&"down"), Class::Transient));
    let heard: Vec<_> = recorder.events().iter().map(|it| it.kind.to_string()).collect();
    assert_eq!(heard, [format!("gave up after 1 attempt ({REASON}); last was transient")]);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_of_an_attempt_is_no_other_case() {
    let pipeline = Pipeline::standard("inventory").build().unwrap();
    let hangs = || std::future::pending::<Result<(), &str>>();
    let error = pipeline.call(hangs).await.unwrap_err();
    assert_eq!(error.gave_up().map(|it| it.why), Some(StopReason::NotIdempotent));
    assert!(error.is_timeout());
}

#[tokio::test(start_paused = true)]
async fn what_was_said_or_is_no_candidate_comes_back_as_it_is() {
    let recorder = Recorder::default();
    let pipeline = |retry: seawall::retry::RetryBuilder| {
        let pipeline = Pipeline::builder("inventory").retry(retry).listener(recorder.clone());
        let class = |error: &Class| *error;
        pipeline.classify(class).build().unwrap()
    };
    let unsaid = pipeline(Retry::builder());
    let call = |class: Class| unsaid.call(move || std::future::ready(Err::<(), _>(class)));
    let forbidden = call(Class::Transient).idempotent(false).await;
    assert!(matches!(forbidden.unwrap_err(), Error::Operation { .. }));
    assert!(matches!(call(Class::Permanent).await.unwrap_err(), Error::Operation { .. }));
    let once = pipeline(Retry::builder().max_attempts(1));
    let once = once.call(async || Err::<(), _>(Class::Transient)).await;
    assert!(matches!(once.unwrap_err(), Error::Operation { .. }));
    recorder.assert_kinds(&[]);
}

#[test]
fn the_description_claims_no_attempts_that_nobody_allowed() {
    let pipeline = |retry| Pipeline::builder("inventory").retry(retry).build().unwrap();
    let retry = || Retry::builder().max_attempts(5).backoff(Duration::ZERO);
    let text = pipeline(retry()).describe().to_string();
    assert!(!text.contains("at most 5 attempts"), "{text}");
    let line = "one attempt per call, up to 5 where it was certainly not carried out, ";
    assert!(text.contains(line), "{text}");
    assert!(
        text.contains("retry 'inventory': one attempt, up to 5 where it was certainly"),
        "{text}"
    );
    let said = pipeline(retry().idempotent()).describe().to_string();
    assert!(said.contains("at most 5 attempts per call, "), "{said}");
    let once = pipeline(retry().max_attempts(1)).describe().to_string();
    assert!(once.contains("one attempt per call, with no limit"), "{once}");
}

#[test]
fn the_standard_description_claims_none_either() {
    let silent = Pipeline::standard("inventory").build().unwrap();
    let text = silent.describe().to_string();
    assert!(!text.contains("at most 3 attempts"), "{text}");
    let line = "one attempt per call, up to 3 where it was certainly not carried out, ";
    assert!(text.contains(line), "{text}");
    assert_eq!(text.matches("[retry/not-idempotent]").count(), 1, "{text}");
    let said = Pipeline::standard("inventory").idempotent().build().unwrap();
    let text = said.describe().to_string();
    assert!(text.contains("at most 3 attempts per call, "), "{text}");
    assert!(!text.contains("[retry/not-idempotent]"), "{text}");
}
