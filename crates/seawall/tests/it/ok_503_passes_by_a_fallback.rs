//! A fallback answers for failures, a capture records them: an `Ok` that is one passed both by.

use seawall::{ByOutcome, Class, Error, Failed, Fallback, Pipeline};

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
        Some(Failed::Answer(503)) => Some(200),
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
    let capture = Capture::builder().backtraces(false).store(store.clone()).build().unwrap();
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
