//! A scripted operation follows its script, and counts how its attempts ended.

use std::time::Duration;

use seawall_testkit::{Script, Step, drop_after};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn steps_come_in_order_and_the_last_one_repeats() {
    let script = Script::new([Step::err("down"), Step::after(SECOND, Ok(1)), Step::ok(2)]);
    let began = Instant::now();
    assert_eq!(script.run().await, Err("down"));
    assert_eq!(script.run().await, Ok(1));
    assert_eq!(began.elapsed(), SECOND);
    assert_eq!(script.run().await, Ok(2));
    assert_eq!(script.run().await, Ok(2));
    assert_eq!((script.started(), script.finished(), script.running()), (4, 4, 0));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_attempt_is_started_and_neither_finished_nor_running() {
    let script = Script::<(), ()>::new([Step::never()]);
    let clone = script.clone();
    let call = clone.run();
    assert_eq!((script.started(), script.running()), (1, 1));
    assert!(drop_after(1, call).await.is_none());
    assert_eq!((script.started(), script.finished(), script.running()), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_panicking_step_panics_when_polled() {
    let script = Script::<(), ()>::new([Step::panic_after(SECOND, "as scripted")]);
    let task = tokio::spawn(script.run());
    let panic = task.await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref::<String>().map(String::as_str), Some("as scripted"));
    assert_eq!((script.finished(), script.running()), (0, 0));
}

#[test]
#[should_panic(expected = "at least one step")]
fn an_empty_script_is_refused() {
    let _ = Script::<(), ()>::new([]);
}
