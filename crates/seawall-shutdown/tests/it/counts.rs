//! Exact counts under contention, and registrations that race the trigger.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use seawall_shutdown::{InFlight, Phase, Shutdown, Step};

#[test]
fn a_million_enters_and_exits_on_two_threads_leave_nobody_inside() {
    const EACH: usize = 500_000;
    let requests = InFlight::new();
    let most = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..EACH {
                    let guard = requests.try_acquire().expect("open");
                    let inside = requests.count();
                    assert!((1..=2).contains(&inside), "{inside}");
                    most.fetch_max(inside, Ordering::Relaxed);
                    drop(guard);
                }
            });
        }
    });
    assert_eq!(requests.count(), 0);
    requests.close();
    assert!(requests.try_acquire().is_err());
    assert!(requests.try_acquire_owned().is_err());
    assert_eq!(requests.count(), 0, "a refused caller does not show in the count");
}

/// One race: a thread registers while this one triggers and runs. Says how it went.
fn race(runtime: &tokio::runtime::Runtime, order: usize) -> (bool, usize) {
    let shutdown =
        Shutdown::builder().phases([Phase::new("only").drains()]).build().expect("valid");
    let ran = Arc::new(AtomicUsize::new(0));
    let registering = {
        let (shutdown, ran) = (shutdown.clone(), Arc::clone(&ran));
        runtime.spawn(async move {
            // Spread over the course of the shutdown, which takes a few microseconds.
            for _ in 0..order {
                std::hint::spin_loop();
            }
            let step = Step::new("racer", move || async move {
                ran.fetch_add(1, Ordering::SeqCst);
            });
            shutdown.register("only", step).is_ok()
        })
    };
    runtime.block_on(async {
        shutdown.trigger("race");
        let report = shutdown.run().await;
        let accepted = registering.await.expect("no panic");
        assert_eq!(report.step("racer").is_some(), accepted);
        (accepted, ran.load(Ordering::SeqCst))
    })
}

#[test]
fn of_100_000_registrations_that_race_the_trigger_each_ran_once_or_was_refused() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let (mut ran, mut refused) = (0, 0);
    for round in 0..100_000 {
        match race(&runtime, (round % 64) * 40) {
            (true, 1) => ran += 1,
            (false, 0) => refused += 1,
            other => panic!("round {round}: accepted and ran {other:?}"),
        }
    }
    assert_eq!(ran + refused, 100_000);
    assert!(ran > 0 && refused > 0, "no race: {ran} ran, {refused} were refused");
}

#[test]
fn of_100_000_spawns_that_race_the_trigger_each_ran_or_was_refused() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    for _ in 0..100 {
        let shutdown = Shutdown::builder().build().expect("valid");
        let ran = Arc::new(AtomicUsize::new(0));
        let spawning = {
            let (shutdown, ran) = (shutdown.clone(), Arc::clone(&ran));
            runtime.spawn(async move {
                (0..1_000)
                    .filter(|_| {
                        let ran = Arc::clone(&ran);
                        let task = async move {
                            ran.fetch_add(1, Ordering::SeqCst);
                        };
                        shutdown.spawn("racer", |_| task).is_ok()
                    })
                    .count()
            })
        };
        runtime.block_on(async {
            shutdown.trigger("race");
            let report = shutdown.run().await;
            let accepted = spawning.await.expect("no panic");
            assert!(report.is_clean(), "{report}");
            assert_eq!(ran.load(Ordering::SeqCst), accepted);
            assert_eq!(report.tasks.finished, accepted as u64);
            assert_eq!(shutdown.tasks(), 0);
        });
    }
}

#[test]
fn triggers_from_many_threads_at_once_have_one_first() {
    for _ in 0..1_000 {
        let shutdown = Shutdown::builder().build().expect("valid");
        let heard = Arc::new(AtomicUsize::new(0));
        let hook = Arc::clone(&heard);
        shutdown.on_shutdown(move |_| {
            hook.fetch_add(1, Ordering::SeqCst);
        });
        let firsts = thread::scope(|scope| {
            let firing: Vec<_> = (0..4)
                .map(|number| {
                    let shutdown = &shutdown;
                    scope.spawn(move || shutdown.trigger(format!("thread {number}")))
                })
                .collect();
            let fired = firing.into_iter().map(|thread| thread.join().expect("no panic"));
            fired.filter(|&first| first).count()
        });
        assert_eq!((firsts, heard.load(Ordering::SeqCst)), (1, 1));
    }
}
