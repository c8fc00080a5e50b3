//! What a supervisor promises.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use seawall_core::{Backoff, Class, EventKind, Listeners};
use seawall_guard::Supervisor;
use seawall_guard::task::{MAX_RESTARTS, Restart, SupervisorBuilder};
use seawall_testkit::{Alive, Recorder, Script, Step};
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

fn supervisor() -> SupervisorBuilder {
    Supervisor::builder().name("top").backoff(Backoff::constant(SECOND)).within(60 * SECOND)
}

type Work = Script<(), &'static str>;

fn work(steps: impl IntoIterator<Item = Step<(), &'static str>>) -> (Work, Work) {
    let work = Script::new(steps);
    (work.clone(), work)
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_all_children_ended_for_good() {
    let (once, making) = work([Step::after(SECOND, Ok(()))]);
    let (failing, making_failing) = work([Step::err("down")]);
    let supervisor = supervisor()
        .build()
        .unwrap()
        .child("once", Restart::OnFailure, move || making.run())
        .child("failing", Restart::Never, move || making_failing.run());
    assert_eq!(supervisor.run().await, Ok(()));
    assert_eq!((once.started(), failing.started()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn one_for_one_the_others_do_not_notice() {
    let steady = Script::<(), &str>::new([Step::after(100 * SECOND, Ok(()))]);
    let (moody, making) =
        work([Step::err("down"), Step::panic_after(SECOND, "boom"), Step::after(SECOND, Ok(()))]);
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let making_steady = steady.clone();
    let begin = Instant::now();
    let supervisor = supervisor()
        .listeners(&listeners)
        .build()
        .unwrap()
        .child("steady", Restart::OnFailure, move || making_steady.run())
        .child("moody", Restart::OnFailure, move || making.run());
    assert_eq!(supervisor.run().await, Ok(()));
    assert_eq!((steady.started(), moody.started()), (1, 3));
    assert_eq!(begin.elapsed(), 100 * SECOND);
    let lines: Vec<_> = recorder.events().iter().map(ToString::to_string).collect();
    assert_eq!(lines[0], "supervisor 'top/moody': restarted; restarts in the period: 1");
    assert!(lines[1].starts_with("supervisor 'top/moody': panicked: boom"), "{}", lines[1]);
    assert_eq!(lines[2], "supervisor 'top/moody': restarted; restarts in the period: 2");
}

#[tokio::test(start_paused = true)]
async fn too_many_restarts_and_it_gives_up_and_stops_the_others() {
    let alive = Alive::default();
    let counting = alive.clone();
    let (_, making) = work([Step::err("down")]);
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let supervisor = supervisor()
        .max_restarts(2)
        .listeners(&listeners)
        .build()
        .unwrap()
        .child("steady", Restart::Always, move || {
            let token = counting.token();
            async move {
                let _token = token;
                pending::<Result<(), &str>>().await
            }
        })
        .child("failing", Restart::Always, move || making.run());
    let begin = Instant::now();
    let error = supervisor.run().await.unwrap_err();
    assert_eq!((error.child.as_str(), error.starts), ("top/failing", 3));
    assert_eq!((error.failed(), error.class()), (Some("down"), Class::Transient));
    assert_eq!(
        error.to_string(),
        "supervisor 'top': too many restarts; 'top/failing' was started 3 times and failed: down"
    );
    assert_eq!(begin.elapsed(), 2 * SECOND, "two waits");
    assert_eq!((alive.ever(), alive.now()), (1, 0));
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::GaveUp { .. })), 1);
}

#[tokio::test(start_paused = true)]
async fn restarts_that_are_far_enough_apart_go_on_forever() {
    let (failing, making) = work([Step::after(20 * SECOND, Err("down"))]);
    let supervisor = supervisor().max_restarts(3).build().unwrap().child(
        "failing",
        Restart::Always,
        move || making.run(),
    );
    // 21 seconds a round: never more than three within a minute.
    let outcome = tokio::time::timeout(2_100 * SECOND, supervisor.run()).await;
    assert!(outcome.is_err(), "it runs on");
    assert_eq!(failing.started(), 100);
    assert_eq!(failing.running(), 0, "dropped with its supervisor");
}

#[tokio::test(start_paused = true)]
async fn the_wait_grows_and_begins_again_after_a_long_run() {
    let starts = Arc::new(Mutex::new(Vec::new()));
    let (noting, begin) = (Arc::clone(&starts), Instant::now());
    let supervisor = Supervisor::builder()
        .backoff(Backoff::exponential(SECOND).jitter(seawall_core::Jitter::None))
        .within(10 * SECOND)
        .max_restarts(3)
        .build()
        .unwrap()
        .child("failing", Restart::Always, move || {
            let mut starts = noting.lock();
            starts.push(begin.elapsed().as_secs());
            let long = starts.len() == 3;
            async move {
                sleep(if long { 11 * SECOND } else { Duration::ZERO }).await;
                Err::<(), _>("down")
            }
        });
    assert!(supervisor.run().await.is_err());
    // Waits of 1 and 2, a run of 11, waits of 1, 2 and 4.
    assert_eq!(*starts.lock(), [0, 1, 3, 15, 17, 21]);
}

#[tokio::test(start_paused = true)]
async fn a_run_of_just_the_period_is_not_a_long_one() {
    let (failing, making) = work([Step::after(10 * SECOND, Err("down"))]);
    let supervisor = Supervisor::builder()
        .backoff(Backoff::exponential(5 * SECOND).jitter(seawall_core::Jitter::None))
        .within(10 * SECOND)
        .max_restarts(1)
        .build()
        .unwrap()
        .child("failing", Restart::Always, move || making.run());
    // A run of 10, a wait of 5, a run of 10, a wait of 10: the third begins after 35 seconds.
    let outcome = tokio::time::timeout(34 * SECOND, supervisor.run()).await;
    assert!(outcome.is_err(), "it runs on");
    assert_eq!(failing.started(), 2);
}

#[tokio::test(start_paused = true)]
async fn stopped_it_stops_in_the_opposite_order_of_the_start() {
    struct Notes(usize, Arc<Mutex<Vec<usize>>>);
    impl Drop for Notes {
        fn drop(&mut self) {
            self.1.lock().push(self.0);
        }
    }
    let stopped = Arc::new(Mutex::new(Vec::new()));
    let mut supervisor = supervisor().grace_period(Duration::ZERO).build().unwrap();
    for number in 0..4 {
        let stopped = Arc::clone(&stopped);
        supervisor = supervisor.child("child", Restart::Always, move || {
            let notes = Notes(number, Arc::clone(&stopped));
            async move {
                let _notes = notes;
                pending::<Result<(), &str>>().await
            }
        });
    }
    assert_eq!(supervisor.run_until(sleep(SECOND)).await, Ok(()));
    assert_eq!(*stopped.lock(), [3, 2, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_making_a_child_and_in_dropping_it_are_its_end() {
    struct Touchy;
    impl Drop for Touchy {
        fn drop(&mut self) {
            panic!("touched");
        }
    }
    let made = Arc::new(AtomicUsize::new(0));
    let making = Arc::clone(&made);
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let supervisor = supervisor().max_restarts(1).listeners(&listeners).build().unwrap().child(
        "touchy",
        Restart::OnFailure,
        move || {
            assert!(making.fetch_add(1, Ordering::SeqCst) > 0, "not the first time");
            let touchy = Touchy;
            async move {
                let _touchy = &touchy;
                Ok::<_, &str>(())
            }
        },
    );
    let error = supervisor.run().await.unwrap_err();
    assert_eq!(&*error.panicked().unwrap().message, "touched");
    assert_eq!((error.failed(), error.class()), (None, Class::Panicked));
    assert_eq!(made.load(Ordering::SeqCst), 2);
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::Panicked(_))), 2);
}

#[test]
fn numbers_out_of_range_are_refused() {
    let error = Supervisor::builder().within(Duration::ZERO).build().unwrap_err();
    assert_eq!(error.to_string(), "supervisor: within is 0ns, but must be above zero");
    let error = Supervisor::builder().max_restarts(u32::MAX).build().unwrap_err();
    assert_eq!(error.field, "max_restarts");
    assert!(Supervisor::builder().max_restarts(MAX_RESTARTS).build().is_ok());
    let late = Backoff::exponential(SECOND).max(Duration::ZERO);
    assert_eq!(Supervisor::builder().backoff(late).build().unwrap_err().field, "max");
}

#[tokio::test(start_paused = true)]
async fn a_decorrelated_wait_begins_again_after_a_long_run_too() {
    let starts = Arc::new(Mutex::new(Vec::new()));
    let noting = Arc::clone(&starts);
    let backoff = Backoff::exponential(SECOND).max(1_000 * SECOND);
    let supervisor = Supervisor::builder()
        .backoff(backoff.jitter(seawall_core::Jitter::Decorrelated))
        .random(seawall_core::Random::seeded(7))
        .within(10 * SECOND)
        .max_restarts(1_000)
        .build()
        .unwrap()
        .child("failing", Restart::Always, move || {
            let mut starts = noting.lock();
            starts.push(Instant::now());
            // Every fourth run is a long one.
            let long = starts.len() % 4 == 0;
            async move {
                sleep(if long { 11 * SECOND } else { Duration::ZERO }).await;
                Err::<(), _>("down")
            }
        });
    let begin = Instant::now();
    assert!(tokio::time::timeout(2_000 * SECOND, supervisor.run()).await.is_err());
    let starts = starts.lock();
    assert_eq!(starts[0], begin, "the first waits for nothing");
    assert!(starts.len() > 100, "{}", starts.len());
    let after_long = starts.windows(2).skip(3).step_by(4);
    let rounds = after_long.map(|pair| pair[1] - pair[0]);
    // The run, a wait of three times the first delay at most, and what the timers round up by.
    let longest = 11 * SECOND + 3 * SECOND + SECOND / 100;
    assert!(rounds.clone().all(|round| round <= longest), "{rounds:?}");
}

#[tokio::test(start_paused = true)]
async fn two_of_one_seed_wait_alike() {
    let waited = async |seed| {
        let (_, making) = work([Step::err("down")]);
        let backoff = Backoff::exponential(SECOND).jitter(seawall_core::Jitter::Full);
        let supervisor = Supervisor::builder()
            .backoff(backoff)
            .random(seawall_core::Random::seeded(seed))
            .build()
            .unwrap()
            .child("failing", Restart::Always, move || making.run());
        let begin = Instant::now();
        assert!(supervisor.run().await.is_err());
        begin.elapsed()
    };
    assert_eq!(waited(7).await, waited(7).await);
    assert_ne!(waited(7).await, waited(8).await);
}
