//! One call took its deadline, and whether it may be repeated, only as an `Attempt` that was built by
//! hand; a call of a boxed pipeline took neither.

use std::io;
use std::time::Duration;

use seawall::{Attempt, BoxPipeline, Deadline, Pipeline, Retry};
use seawall_testkit::{Script, Step};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// A call of a pipeline or of a boxed one, with options, as the operation sees it.
macro_rules! seen {
    ($pipeline:expr $(, $option:ident($value:expr))*) => {{
        let call = $pipeline.call_with(|attempt| std::future::ready(Ok::<_, io::Error>(attempt)));
        let attempt: Attempt = call$(.$option($value))*.await.unwrap();
        (attempt.deadline(), attempt.is_idempotent())
    }};
}

#[tokio::test(start_paused = true)]
async fn the_operation_sees_the_options_in_any_order() {
    let (soon, late) = (Instant::now() + SECOND, Instant::now() + 2 * SECOND);
    let pipeline = Pipeline::builder("inventory").build().unwrap();
    let both = Attempt::first().due_by(soon).idempotent(true);

    assert_eq!(seen!(pipeline), (None, None));
    assert_eq!(seen!(pipeline, deadline(soon), idempotent(true)), (Some(soon), Some(true)));
    assert_eq!(seen!(pipeline, idempotent(false), deadline(soon)), (Some(soon), Some(false)));
    assert_eq!(seen!(pipeline, deadline(late), deadline(soon)), (Some(soon), None));
    assert_eq!(seen!(pipeline, deadline(soon), deadline(late)), (Some(soon), None));
    assert_eq!(seen!(pipeline, deadline(Deadline::at(soon))), (Some(soon), None));
    assert_eq!(seen!(pipeline, deadline(Deadline::NEVER), deadline(soon)), (Some(soon), None));
    assert_eq!(seen!(pipeline, idempotent(true), idempotent(false)), (None, Some(false)));
    assert_eq!(seen!(pipeline, with_attempt(both), deadline(late)), (Some(soon), Some(true)));
    assert_eq!(seen!(pipeline, with_attempt(both), idempotent(false)), (Some(soon), Some(false)));
    let bare = Attempt::first();
    let options = seen!(pipeline, deadline(soon), idempotent(true), with_attempt(bare));
    assert_eq!(options, (Some(soon), Some(true)));

    let boxed = pipeline.boxed();
    assert_eq!(seen!(boxed), (None, None));
    assert_eq!(seen!(boxed, deadline(soon), idempotent(true)), (Some(soon), Some(true)));
    assert_eq!(seen!(boxed, deadline(soon), deadline(late)), (Some(soon), None));
    assert_eq!(seen!(boxed, deadline(Deadline::NEVER)), (None, None));
    assert_eq!(seen!(boxed, idempotent(true), idempotent(false)), (None, Some(false)));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_cuts_off_and_the_word_idempotent_repeats() {
    let pipeline = || {
        let retry = Retry::builder().max_attempts(2);
        Pipeline::builder("inventory").timeout(60 * SECOND).retry(retry).build().unwrap()
    };
    let plain = pipeline();
    let boxed: BoxPipeline<u32, &str> = pipeline().boxed();
    let fails_once = || Script::new([Step::err("broken"), Step::ok(1)]);

    assert!(plain.call(|| fails_once().run()).await.is_err());
    let script = fails_once();
    assert_eq!(plain.call(|| script.run()).idempotent(true).await.unwrap(), 1);
    let script = fails_once();
    assert_eq!(boxed.call(|| script.run()).idempotent(true).await.unwrap(), 1);

    let began = Instant::now();
    let script = Script::<u32, &str>::new([Step::never(), Step::never()]);
    assert!(plain.call(|| script.run()).deadline(began + SECOND).await.unwrap_err().is_timeout());
    assert_eq!(began.elapsed(), SECOND);
    let error = boxed.call(|| script.run()).deadline(began + 2 * SECOND).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(began.elapsed(), 2 * SECOND);
}

#[tokio::test]
async fn a_call_of_a_boxed_pipeline_starts_when_it_is_polled() {
    let retry = Retry::builder().build().unwrap();
    let boxed: BoxPipeline<u32, &str> =
        Pipeline::builder("inventory").retry(retry).build().unwrap().boxed();
    let script = Script::new([Step::ok(1)]);
    let mut call = boxed.call(|| script.run());
    assert_eq!((script.started(), format!("{call:?}")), (0, "BoxCall::Idle".to_owned()));
    assert_eq!((&mut call).await.unwrap(), 1);
    assert_eq!(format!("{:?}", call.idempotent(true)), "BoxCall::Done");
}
