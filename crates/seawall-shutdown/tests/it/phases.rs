//! Phases, deadlines and the grace period, under paused time.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use seawall_core::{EventKind, Listeners};
use seawall_shutdown::{LeftBehindKind, Outcome, Phase, Report, Shutdown, ShutdownReason, Step};
use seawall_testkit::Recorder;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

type Log = Arc<Mutex<Vec<&'static str>>>;

fn outcomes(report: &Report) -> Vec<(&str, &Outcome)> {
    let steps = report.steps();
    steps.map(|step| (&*step.name, &step.outcome)).collect()
}

async fn panics() {
    panic!("at the disco")
}

#[tokio::test(start_paused = true)]
async fn five_steps_within_ten_seconds_and_flush_always_gets_its_slice() {
    let flushed = Log::default();
    let log = Arc::clone(&flushed);
    let began = Instant::now();
    let shutdown = Shutdown::builder()
        .grace_period(10 * SECOND)
        .step(Phase::INTAKE, Step::new("hang", pending::<()>))
        .step(Phase::DRAIN, Step::new("panic", panics))
        .step(Phase::DRAIN, Step::new("error", async || Err("disk full")))
        .step(Phase::DRAIN, Step::new("slow", || sleep(60 * SECOND)))
        .step(
            Phase::FLUSH,
            Step::new("flush", move || async move {
                sleep(SECOND).await;
                log.lock().push("flushed");
            }),
        )
        .build()
        .unwrap();
    shutdown.trigger("test");
    let report = shutdown.run().await;
    assert_eq!(*flushed.lock(), ["flushed"]);
    assert!(began.elapsed() <= 10 * SECOND);
    // 20 % of ten seconds are kept for the flush, of which it needs one.
    assert_eq!(report.total, 9 * SECOND);
    assert_eq!(
        outcomes(&report),
        [
            ("readiness off", &Outcome::Done),
            ("drain delay", &Outcome::Done),
            ("intake", &Outcome::Done),
            ("hang", &Outcome::TimedOut),
            ("requests", &Outcome::Done),
            ("tasks", &Outcome::Done),
            ("panic", &Outcome::Panicked("at the disco".into())),
            ("error", &Outcome::Failed("disk full".into())),
            ("slow", &Outcome::TimedOut),
            ("flush", &Outcome::Done),
        ]
    );
    assert!(!report.is_clean());
    assert_eq!(report.exit_code(), 4);
    let left = report.left_behind.iter().map(|left| (&*left.name, left.kind));
    assert!(left.eq([("hang", LeftBehindKind::Step), ("slow", LeftBehindKind::Step)]));
}

#[tokio::test(start_paused = true)]
async fn the_same_five_within_one_phase_take_nothing_from_each_other() {
    let shutdown = Shutdown::builder()
        .grace_period(10 * SECOND)
        .step(Phase::DRAIN, Step::new("hang", pending::<()>))
        .step(Phase::DRAIN, Step::new("panic", panics))
        .step(Phase::DRAIN, Step::new("error", async || Err("disk full")))
        .step(Phase::DRAIN, Step::new("slow", || sleep(7 * SECOND)))
        .step(Phase::FLUSH, Step::new("flush", || sleep(2 * SECOND)))
        .build()
        .unwrap();
    shutdown.trigger("test");
    let report = shutdown.run().await;
    let outcome = |name: &str| report.step(name).unwrap().outcome.clone();
    assert_eq!(outcome("hang"), Outcome::TimedOut);
    assert_eq!(outcome("panic"), Outcome::Panicked("at the disco".into()));
    assert_eq!(outcome("error"), Outcome::Failed("disk full".into()));
    assert_eq!(outcome("slow"), Outcome::Done);
    // Timers fire up to a millisecond late, which the flush pays for: it ends within its slice
    // or is cut off at the end of the grace period, never later.
    assert!(report.total <= 10 * SECOND);
    assert_eq!(report.step("slow").unwrap().elapsed, 7 * SECOND);
    assert_eq!(report.step("hang").unwrap().elapsed, 8 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn phases_come_in_order_and_listeners_hear_them() {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let log = Log::default();
    let note = |kind| {
        let log = Arc::clone(&log);
        move || async move { log.lock().push(kind) }
    };
    let shutdown = Shutdown::builder()
        .listeners(&listeners)
        .step(Phase::CLOSE, Step::new("close", note("close")))
        .step(Phase::FLUSH, Step::new("flush", note("flush")))
        .step(Phase::INTAKE, Step::new("listener", note("listener")))
        .build()
        .unwrap();
    shutdown.trigger("test");
    let report = shutdown.run().await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.exit_code(), 0);
    assert_eq!(report.total, Duration::ZERO, "nothing to wait for: an early exit");
    assert_eq!(*log.lock(), ["listener", "flush", "close"]);
    let names = recorder.pick(|kind| match kind {
        EventKind::Phase { name, .. } => Some(name.to_string()),
        _ => None,
    });
    assert_eq!(names, ["readiness", "drain delay", "stop intake", "drain", "flush", "close"]);
}

#[tokio::test(start_paused = true)]
async fn drain_waits_for_requests_and_tasks() {
    let shutdown = Shutdown::builder().build().unwrap();
    let guard = shutdown.in_flight().try_acquire_owned().unwrap();
    let task = shutdown
        .spawn("worker", |token| async move {
            token.cancelled().await;
            sleep(2 * SECOND).await;
            "over"
        })
        .unwrap();
    tokio::spawn(async move {
        sleep(SECOND).await;
        drop(guard);
    });
    shutdown.trigger("test");
    let report = shutdown.run().await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.total, 2 * SECOND);
    assert_eq!(report.step("requests").unwrap().elapsed, SECOND);
    assert_eq!(task.await.unwrap(), "over");
    assert!(shutdown.in_flight().try_acquire().is_err());
    assert!(shutdown.spawn("late", |_| async {}).is_err());
    let counts = report.tasks;
    assert_eq!((counts.started, counts.finished), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_hangs_in_the_drain_is_aborted_and_named() {
    let shutdown = Shutdown::builder().grace_period(SECOND).build().unwrap();
    let task = shutdown.spawn("deaf", |_| pending::<()>()).unwrap();
    let _guard = shutdown.in_flight().try_acquire().unwrap();
    shutdown.trigger("test");
    let report = shutdown.run().await;
    assert_eq!(report.total, SECOND);
    let left: Vec<_> = report.left_behind.iter().map(ToString::to_string).collect();
    assert_eq!(left, ["1 requests in flight", "task 'deaf'"]);
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(report.exit_code(), 4);
}

#[tokio::test(start_paused = true)]
async fn force_ends_it_at_once() {
    let shutdown = Shutdown::builder()
        .step(Phase::INTAKE, Step::new("hang", pending::<()>))
        .step(Phase::FLUSH, Step::new("flush", async || {}))
        .build()
        .unwrap();
    let running = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { shutdown.run().await }
    });
    tokio::task::yield_now().await;
    shutdown.trigger("first");
    sleep(SECOND).await;
    assert!(!running.is_finished());
    assert!(shutdown.force("second"));
    let report = running.await.unwrap();
    assert_eq!(report.total, SECOND);
    assert_eq!(report.forced, Some(ShutdownReason::requested("second")));
    assert_eq!(report.step("hang").unwrap().outcome, Outcome::Aborted);
    assert_eq!(report.step("flush").unwrap().outcome, Outcome::Skipped);
    assert_eq!(report.exit_code(), 5);
    assert!(!shutdown.force("third"));
    assert!(!shutdown.trigger("fourth"));
    assert_eq!(shutdown.run().await, report);
}

#[tokio::test(start_paused = true)]
async fn run_until_shutdown_gives_the_output_or_nothing() {
    let shutdown = Shutdown::builder().build().unwrap();
    assert_eq!(shutdown.run_until_shutdown(async { 7 }).await, Some(7));
    let waiting = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { shutdown.run_until_shutdown(pending::<()>()).await }
    });
    shutdown.trigger("test");
    assert_eq!(waiting.await.unwrap(), None);
    assert!(shutdown.token().is_cancelled());
    shutdown.shutting_down().await;
}

#[tokio::test(start_paused = true)]
async fn the_drain_delay_is_kept_if_somebody_watches_readiness() {
    let shutdown = Shutdown::builder().build().unwrap();
    let mut readiness = shutdown.readiness();
    assert!(readiness.is_ready());
    shutdown.trigger("test");
    let running = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { shutdown.run().await }
    });
    readiness.not_ready().await;
    // Balancers have not noticed yet: new requests are still served.
    assert!(shutdown.in_flight().try_acquire().is_ok());
    assert!(!shutdown.intake_token().is_cancelled());
    let report = running.await.unwrap();
    assert_eq!(report.step("drain delay").unwrap().elapsed, 5 * SECOND);
    assert!(report.is_clean(), "{report}");
}
