//! A fallback answers for failures, a capture records them: an `Ok` that is one passed both by.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use seawall::{ByOutcome, Class, Classify, Error, Failed, Fallback, Pipeline, Retry, Verdict};

fn class_of(outcome: Result<&u16, &&str>) -> Class {
    match outcome {
        Ok(500..) | Err(_) => Class::Transient,
        Ok(400..) => Class::Permanent,
        Ok(_) => Class::Success,
    }
}

#[tokio::test]
async fn a_value_takes_its_place() {
    let pipeline = Pipeline::builder("prices")
        .fallback(Fallback::value(200_u16))
        .classify(ByOutcome(class_of))
        .build()
        .unwrap();
    assert_eq!(pipeline.call(async || Ok::<_, &str>(503)).await.unwrap(), 200);
    assert_eq!(pipeline.call(async || Err("down")).await.unwrap(), 200);
    // A permanent failure is an answer.
    assert_eq!(pipeline.call(async || Ok::<_, &str>(404)).await.unwrap(), 404);
}

#[tokio::test]
async fn a_function_sees_the_answer_and_where_it_declines_that_comes_back() {
    let fallback = Fallback::try_with(|error: &Error<Failed<u16, &str>>| match error.operation() {
        Some(Failed::Answer(503, _)) => Some(200),
        Some(Failed::Error("down")) => Some(201),
        _ => None,
    });
    let pipeline = Pipeline::builder("prices")
        .fallback(fallback)
        .classify(ByOutcome(class_of))
        .build()
        .unwrap();
    assert_eq!(pipeline.call(async || Ok::<_, &str>(503)).await.unwrap(), 200);
    assert_eq!(pipeline.call(async || Err("down")).await.unwrap(), 201);
    assert_eq!(pipeline.call(async || Ok::<_, &str>(502)).await.unwrap(), 502);
    let error = pipeline.call(async || Err("gone")).await.unwrap_err();
    assert_eq!(error.operation(), Some(&"gone"));
}

#[cfg(feature = "capture")]
#[tokio::test]
async fn a_capture_records_it() {
    use std::io;

    use seawall::capture::{Capture, MemoryStore, store::Filter};

    let store = MemoryStore::default();
    let capture = Capture::builder().without_backtraces().store(store.clone()).build().unwrap();
    let pipeline = Pipeline::builder("inventory")
        .layer(capture.final_failures("inventory"))
        .layer(capture.note_attempts("inventory"))
        .classify(ByOutcome(|outcome: Result<&u16, &io::Error>| match outcome {
            Ok(500..) | Err(_) => Class::Transient,
            Ok(_) => Class::Success,
        }))
        .build()
        .unwrap();
    assert_eq!(pipeline.call(async || Ok(200)).await.unwrap(), 200);
    assert_eq!(pipeline.call(async || Ok(503)).await.unwrap(), 503);
    assert!(pipeline.call(async || Err(io::Error::other("reset"))).await.is_err());
    let groups = store.list(&Filter::default());
    let mut texts: Vec<_> = groups.iter().map(|group| &*group.last.description).collect();
    texts.sort_unstable();
    assert_eq!(texts, ["an answer that counts as a failure", "reset"]);
}

/// Says which answer it was.
struct Statuses;

impl Classify<u16, &'static str> for Statuses {
    type Failure = Failed<u16, &'static str>;

    fn classify(&self, outcome: Result<&u16, &&'static str>) -> Verdict {
        class_of(outcome).into()
    }

    fn write_answer(status: &u16, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {status}")
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_shows_it_has_the_words_of_the_classifier() {
    let texts = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&texts);
    let fallback = Fallback::try_with(move |error: &Error<Failed<u16, &'static str>>| {
        seen.lock().push(error.to_string());
        None
    });
    let pipeline = Pipeline::builder("prices")
        .fallback(fallback)
        .retry(Retry::builder().idempotent().max_attempts(2))
        .classify(Statuses)
        .build()
        .unwrap();
    assert_eq!(pipeline.call(async || Ok(503)).await.unwrap(), 503);
    let texts = texts.lock();
    assert!(texts[0].ends_with("(no attempts left); last: status 503"), "{texts:?}");
}
