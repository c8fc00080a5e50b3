//! Work that goes on after its caller timed out.

use std::future::pending;
use std::time::Duration;

use seawall_core::{EventKind, Listeners};
use seawall_guard::timeout::{Detach, DetachBuilder, DetachCounts, MAX_LIMIT};
use seawall_testkit::{Alive, Recorder, Script, Step, at_every_await};
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

fn detach() -> DetachBuilder {
    Detach::builder().limit(SECOND)
}

fn counts(detach: &Detach) -> (usize, u64, u64, u64, u64) {
    let DetachCounts { detached, discarded, panicked, cancelled, dropped, .. } = detach.counts();
    (detached, discarded, panicked, cancelled, dropped)
}

#[tokio::test(start_paused = true)]
async fn in_time_nothing_is_detached() {
    let detach = detach().build().unwrap();
    let script = Script::<_, &str>::new([Step::after(SECOND / 2, Ok(7)), Step::err("down")]);
    assert_eq!(detach.call(script.run()).await.unwrap(), 7);
    assert_eq!(detach.call(script.run()).await.unwrap_err().operation(), Some(&"down"));
    assert_eq!(counts(&detach), (0, 0, 0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn on_expiry_the_work_goes_on_and_its_result_is_discarded_once() {
    let detach = detach().build().unwrap();
    let alive = Alive::default();
    let result = alive.token();
    let script = Script::<(), ()>::new([Step::after(3 * SECOND, Ok(()))]);
    let run = script.run();
    let begin = Instant::now();
    let error = detach.call(async move { run.await.map(|()| result) }).await.unwrap_err();
    assert!(error.timed_out().is_some());
    assert_eq!(begin.elapsed(), SECOND);
    assert_eq!((script.running(), counts(&detach)), (1, (1, 0, 0, 0, 0)));
    sleep(3 * SECOND).await;
    assert_eq!((script.finished(), counts(&detach)), (1, (0, 1, 0, 0, 0)));
    assert_eq!(alive.now(), 0, "the result is gone");
}

#[tokio::test(start_paused = true)]
async fn what_goes_on_is_bounded() {
    let detach = detach().max_detached(1).build().unwrap();
    let script = Script::<(), ()>::new([Step::never()]);
    for _ in 0..3 {
        assert!(detach.call(script.run()).await.is_err());
    }
    assert_eq!((script.running(), counts(&detach)), (1, (1, 0, 0, 0, 2)));
}

#[tokio::test(start_paused = true)]
async fn a_panic_without_a_caller_is_reported_and_counted() {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let detach = detach().listeners(&listeners).build().unwrap();
    let script = Script::<(), ()>::new([Step::panic_after(2 * SECOND, "too late")]);
    assert!(detach.call(script.run()).await.is_err());
    sleep(2 * SECOND).await;
    assert_eq!((script.running(), counts(&detach)), (0, (0, 0, 1, 0, 0)));
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::Panicked(_))), 1);
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::TimedOut(_))), 1);
}

#[test]
fn what_goes_on_is_counted_out_with_its_runtime() {
    let detach = detach().limit(Duration::ZERO).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let error = runtime.block_on(detach.call(pending::<Result<(), ()>>()));
    assert!(error.is_err());
    assert_eq!(counts(&detach), (1, 0, 0, 0, 0));
    drop(runtime);
    assert_eq!(counts(&detach), (0, 0, 0, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_call_at_any_await_drops_the_work() {
    let detach = detach().build().unwrap();
    let script = Script::<(), ()>::new([Step::after(SECOND / 2, Ok(()))]);
    at_every_await(|| detach.call(script.run()), |_| assert_eq!(script.running(), 0)).await;
    assert_eq!(counts(&detach), (0, 0, 0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn boundaries_of_the_limit() {
    let ms = Duration::from_millis(1);
    for limit in [Duration::ZERO, Duration::from_nanos(1), ms, SECOND, MAX_LIMIT] {
        let detach = Detach::builder().limit(limit).max_detached(0).build().unwrap();
        let begin = Instant::now();
        assert!(detach.call(pending::<Result<(), ()>>()).await.is_err());
        assert!((limit..=limit + 2 * ms).contains(&begin.elapsed()), "{limit:?}");
    }
    for never in [MAX_LIMIT + Duration::from_nanos(1), Duration::from_secs(u64::MAX), Duration::MAX]
    {
        let detach = Detach::builder().limit(never).build().unwrap();
        let script = Script::<_, ()>::new([Step::after(MAX_LIMIT / 2, Ok(7))]);
        assert_eq!(detach.call(script.run()).await.unwrap(), 7, "{never:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_dropping_refused_work_is_reported_and_the_error_comes() {
    struct Touchy;
    impl Drop for Touchy {
        fn drop(&mut self) {
            panic!("touched");
        }
    }
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let detach = detach().max_detached(0).listeners(&listeners).build().unwrap();
    let touchy = Touchy;
    let work = async move {
        let _touchy = touchy;
        pending::<Result<(), ()>>().await
    };
    assert!(detach.call(work).await.unwrap_err().timed_out().is_some());
    assert_eq!(counts(&detach), (0, 0, 0, 0, 1));
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::Panicked(_))), 1);
}
