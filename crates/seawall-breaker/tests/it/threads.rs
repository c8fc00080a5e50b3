//! Real threads: at the edges exactly as many as may.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use seawall_breaker::{Breaker, BreakerBuilder, Settlement, Totals};
use seawall_core::{CircuitState, Class};
use seawall_testkit::Recorder;

fn builder() -> BreakerBuilder {
    Breaker::builder().open_wait(Duration::from_nanos(1)).lease(Duration::MAX)
}

#[test]
fn a_hundred_tasks_at_the_half_open_instant_admit_exactly_as_many_as_there_are_probes() {
    for probes in [1, 3, 10] {
        let breaker = builder().consecutive_failures(1).probes(probes).build().unwrap();
        breaker.try_acquire().unwrap().failure(Class::Transient);
        let (polled, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (start, end) = (Barrier::new(100), Barrier::new(100));
        let task = || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                start.wait();
                let call = breaker.call(async {
                    polled.fetch_add(1, Ordering::SeqCst);
                    // Nobody's verdict frees a place before everybody has asked.
                    tokio::task::yield_now().await;
                    Ok::<_, ()>(())
                });
                let mut call = Box::pin(call);
                let first = futures_poll(call.as_mut());
                refused.fetch_add(usize::from(first.is_some_and(|r| r.is_err())), Ordering::SeqCst);
                end.wait();
            });
        };
        thread::scope(|scope| (0..100).for_each(|_| drop(scope.spawn(task))));
        assert_eq!(polled.load(Ordering::SeqCst), probes as usize);
        assert_eq!(refused.load(Ordering::SeqCst), 100 - probes as usize);
        let snapshot = breaker.snapshot();
        assert_eq!(
            (snapshot.probes_in_flight, snapshot.totals.refused),
            (0, 100 - u64::from(probes))
        );
    }
}

/// Polls once.
fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match future.poll(&mut cx) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

#[test]
fn sixty_four_threads_on_the_threshold_make_one_event() {
    for threshold in [1, 32, 64] {
        let breaker = builder()
            .open_wait(Duration::MAX)
            .consecutive_failures(threshold)
            .tally()
            .build()
            .unwrap();
        let recorder = Recorder::default();
        breaker.listeners().add(recorder.clone());
        let start = Barrier::new(64);
        let fail = || {
            let permit = breaker.try_acquire().unwrap();
            start.wait();
            permit.failure(Class::Transient);
        };
        thread::scope(|scope| (0..64).for_each(|_| drop(scope.spawn(fail))));
        assert_eq!(recorder.path(), ["closed → open"]);
        let totals = breaker.snapshot().totals;
        assert_eq!(totals.failures, u64::from(threshold));
        assert_eq!(totals.stale, 64 - u64::from(threshold));
    }
}

/// What the threads did, as they themselves count it: what they are about to do, or what is done.
#[derive(Default)]
struct Counts {
    admitted: AtomicU64,
    successes: AtomicU64,
    failures: AtomicU64,
    stale: AtomicU64,
    ignored: AtomicU64,
    abandoned: AtomicU64,
}

fn up(count: &AtomicU64) {
    count.fetch_add(1, Ordering::SeqCst);
}

impl Counts {
    /// Counts the threads' outcomes that `said` was said to.
    fn settled(&self, said: Settlement, count: &AtomicU64) {
        up(if said == Settlement::Stale { &self.stale } else { count });
    }

    fn of(totals: &Totals) -> Self {
        Self {
            admitted: totals.admitted.unwrap().into(),
            successes: totals.successes.unwrap().into(),
            failures: totals.failures.into(),
            stale: totals.stale.into(),
            ignored: totals.ignored.into(),
            abandoned: totals.abandoned.into(),
        }
    }

    /// In this order: what was settled before what was admitted.
    fn read(&self) -> [u64; 6] {
        let Self { admitted, successes, failures, stale, ignored, abandoned } = self;
        [successes, failures, stale, ignored, abandoned, admitted]
            .map(|count| count.load(Ordering::SeqCst))
    }
}

/// Lets four threads loose on `breaker`, resets it and looks at it 2,000 times. Each snapshot has counted all
/// that was done before it and nothing that was begun after it, and every admission exactly once.
/// Gives how many were refused.
fn under_load(breaker: &Breaker, calls: u64) -> u64 {
    let (begun, done) = (Counts::default(), Counts::default());
    let refused = AtomicU64::new(0);
    let work = |seed: u64| {
        for n in 0..calls {
            up(&begun.admitted);
            let Ok(permit) = breaker.try_acquire() else {
                up(&refused);
                continue;
            };
            up(&done.admitted);
            match (n * 7_919 + seed * 104_729) % 100 {
                0..45 => {
                    up(&begun.successes);
                    done.settled(permit.success(), &done.successes);
                }
                45..95 => {
                    up(&begun.failures);
                    done.settled(permit.failure(Class::Transient), &done.failures);
                }
                95..97 => {
                    up(&begun.ignored);
                    done.settled(permit.ignore(), &done.ignored);
                }
                _ => {
                    up(&begun.abandoned);
                    drop(permit);
                    up(&done.abandoned);
                }
            }
        }
    };
    let look = || {
        for _ in 0..2_000 {
            // A generation of its own, in which successes are counted until the first failure.
            breaker.reset();
            let before = done.read();
            let snapshot = breaker.snapshot();
            let totals = &snapshot.totals;
            let seen = Counts::of(totals).read();
            let [successes, failures, stale, ignored, abandoned, admitted] = seen;
            assert!(
                before.iter().zip(seen).all(|(done, seen)| *done <= seen),
                "{before:?} {seen:?}"
            );
            let settled = successes + failures + stale + ignored + abandoned;
            assert_eq!(Some(admitted), snapshot.in_flight.map(|flying| settled + flying));
            assert_eq!(totals.unmeasured, 0);
            let [to_succeed, to_fail, _, to_ignore, to_abandon, asked] = begun.read();
            assert!(successes <= to_succeed && failures <= to_fail);
            assert!(successes + failures + stale <= to_succeed + to_fail);
            assert!(ignored <= to_ignore && abandoned <= to_abandon);
            assert!(admitted + totals.refused <= asked, "{asked} {totals:?}");
            let window = snapshot.window;
            assert!(window.failures <= window.samples && window.samples <= 50);
            assert!(totals.reopenings <= totals.openings);
            assert!(snapshot.probes_in_flight <= 2);
        }
    };
    thread::scope(|scope| {
        (0..4).for_each(|seed| drop(scope.spawn(move || work(seed))));
        scope.spawn(look);
    });
    assert_eq!(done.read(), Counts::of(&breaker.snapshot().totals).read());
    refused.into_inner()
}

#[test]
fn under_load_nothing_is_lost_and_a_snapshot_agrees_with_itself() {
    const CALLS: u64 = 20_000;
    // Probes that may take as long as they like, and probes that are all late.
    for lease in [Duration::MAX, Duration::from_nanos(1)] {
        let breaker = builder()
            .without_consecutive_failures()
            .count_window(50)
            .min_calls(50)
            .failure_rate(0.5)
            .probes(2)
            .lease(lease)
            .tally()
            .build()
            .unwrap();
        let recorder = Recorder::default();
        breaker.listeners().add(recorder.clone());
        let refused = under_load(&breaker, CALLS);
        let snapshot = breaker.snapshot();
        let totals = snapshot.totals;
        assert_eq!(totals.refused, refused);
        assert_eq!(totals.admitted, Some(4 * CALLS - refused));
        assert_eq!((snapshot.in_flight, snapshot.probes_in_flight), (Some(0), 0));
        assert_eq!(totals.expired > 0, lease < Duration::MAX);
        let transitions = recorder.transitions();
        assert!(!transitions.is_empty());
        // More than the queue holds may come while the thread sleeps that delivers.
        if breaker.listeners().dropped() == 0 {
            assert!(transitions.windows(2).all(|pair| pair[0].to == pair[1].from));
            let generations = transitions.iter().map(|transition| transition.generation);
            assert!(generations.eq(1..=snapshot.generation));
            let opened = transitions.iter().filter(|t| t.to == CircuitState::Open).count();
            assert_eq!(opened as u64, totals.openings);
        }
    }
}

#[test]
fn successes_counted_beside_the_lock_are_all_in_the_window() {
    let breaker = Breaker::builder()
        .without_consecutive_failures()
        .time_window(Duration::MAX)
        .failure_rate(1.0)
        .min_calls(1)
        .build()
        .unwrap();
    let work = || {
        (0..50_000).for_each(|_| {
            let _ = breaker.try_acquire().unwrap().success();
        });
    };
    thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(work))));
    let window = breaker.snapshot().window;
    assert_eq!((window.samples, window.failures), (200_000, 0));
}
