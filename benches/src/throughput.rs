//! Calls per second of one shared object, from one thread and from many.

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use seawall::Breaker;
use seawall_limit::{Bulkhead, RateLimit};
use seawall_retry::Budget;
use seawall_shutdown::InFlight;

use crate::operation::uncounted;
use crate::poll;

/// How many threads call at once.
pub const THREADS: [usize; 5] = [1, 2, 4, 8, 16];

/// How long one measurement takes.
const SPAN: Duration = Duration::from_millis(100);
/// Measurements of which the median counts.
const TIMES: usize = 3;
/// Calls between two looks at the clock's flag.
const BATCH: u64 = 512;

/// A rate that no machine reaches.
const PLENTY: u64 = 1_000_000_000;

/// An object that many threads call at once.
#[derive(Clone, Copy, Debug)]
pub struct Shared {
    /// The kind of work; objects with the same name are compared.
    pub group: &'static str,
    /// The library that does it.
    pub subject: &'static str,
    /// Makes it. The function that it returns makes the given number of calls.
    pub prepare: fn() -> Calls,
}

/// Makes the given number of calls.
pub type Calls = Arc<dyn Fn(u64) + Send + Sync>;

/// A call by its number, made again and again.
pub fn calls<R>(call: impl Fn(u64, &mut Context<'_>) -> R + Send + Sync + 'static) -> Calls {
    Arc::new(move |times| {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut cx = Context::from_waker(&waker);
        for n in 0..times {
            black_box(&call(n, &mut cx));
        }
    })
}

struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future to its end; where it waits for another thread, this one sleeps.
#[inline]
pub fn block<F: Future>(future: F, cx: &mut Context<'_>) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return output;
        }
        thread::park();
    }
}

/// Everything that many threads call.
pub fn all() -> Vec<Shared> {
    [
        floors(),
        ours(),
        #[cfg(feature = "peers")]
        crate::cases::peers::shared(),
    ]
    .concat()
}

fn floors() -> Vec<Shared> {
    vec![
        Shared {
            group: "floor",
            subject: "one shared atomic load",
            prepare: || {
                let word = AtomicU64::new(0);
                calls(move |_, _| word.load(Ordering::Acquire))
            },
        },
        Shared {
            group: "floor",
            subject: "one shared atomic add",
            prepare: || {
                let word = AtomicU64::new(0);
                calls(move |_, _| word.fetch_add(1, Ordering::AcqRel))
            },
        },
        Shared {
            group: "floor",
            subject: "one shared parking_lot lock",
            prepare: || {
                let lock = parking_lot::Mutex::new(0_u64);
                calls(move |_, _| *lock.lock() += 1)
            },
        },
    ]
}

fn ours() -> Vec<Shared> {
    vec![
        Shared {
            group: "breaker, healthy",
            subject: "seawall (count 100)",
            prepare: || {
                let breaker = full(Breaker::builder().count_window(100));
                calls(move |_, cx| block(breaker.call(uncounted(true)), cx))
            },
        },
        Shared {
            group: "breaker, healthy",
            subject: "seawall (10 s window)",
            prepare: || {
                let breaker = full(Breaker::builder().time_window(Duration::from_secs(10)));
                calls(move |_, cx| block(breaker.call(uncounted(true)), cx))
            },
        },
        Shared {
            group: "breaker, 10 % failures",
            subject: "seawall (count 100)",
            prepare: || {
                let breaker = full(Breaker::builder().count_window(100));
                calls(move |n, cx| block(breaker.call(uncounted(n % 10 != 0)), cx))
            },
        },
        Shared {
            group: "breaker, 10 % failures",
            subject: "seawall (10 s window)",
            prepare: || {
                let breaker = full(Breaker::builder().time_window(Duration::from_secs(10)));
                calls(move |n, cx| block(breaker.call(uncounted(n % 10 != 0)), cx))
            },
        },
        Shared {
            group: "budget, take and give",
            subject: "seawall (tokens)",
            prepare: || {
                let budget = Budget::builder().reserve(1_000.0).capacity(1_000.0);
                let budget = budget.build().expect("a valid budget");
                calls(move |_, _| budget.try_acquire().is_some())
            },
        },
        Shared {
            group: "bulkhead, acquire and release",
            subject: "seawall",
            prepare: || {
                let bulkhead = Bulkhead::builder().limit(1_000).build().expect("a valid bulkhead");
                calls(move |_, _| bulkhead.try_acquire().is_ok())
            },
        },
        Shared {
            group: "rate limit, admitted",
            subject: "seawall",
            prepare: || {
                let limit = RateLimit::builder().rate(PLENTY, Duration::from_secs(1));
                let limit = limit.build().expect("a valid limit");
                calls(move |_, _| limit.try_acquire().is_ok())
            },
        },
        Shared {
            group: "in-flight guard",
            subject: "seawall",
            prepare: || {
                let in_flight = InFlight::new();
                calls(move |_, _| in_flight.try_acquire().is_ok())
            },
        },
        Shared {
            group: "in-flight guard",
            subject: "tokio-util TaskTracker token",
            prepare: || {
                let tracker = tokio_util::task::TaskTracker::new();
                calls(move |_, _| drop(tracker.token()))
            },
        },
    ]
}

fn full(builder: seawall::breaker::BreakerBuilder) -> Breaker {
    let breaker = builder.build().expect("a valid breaker");
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..200 {
        poll(breaker.call(uncounted(true)), &mut cx).expect("a closed breaker");
    }
    breaker
}

/// Million calls per second, all threads together: the median of a few measurements.
pub fn measure(shared: &Shared, threads: usize) -> f64 {
    let mut rates: Vec<f64> = (0..TIMES).map(|_| once(&(shared.prepare)(), threads)).collect();
    rates.sort_by(f64::total_cmp);
    rates[TIMES / 2]
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn once(call: &Calls, threads: usize) -> f64 {
    let stop = AtomicBool::new(false);
    let made = AtomicU64::new(0);
    let together = Barrier::new(threads + 1);
    let mut took = Duration::ZERO;
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                together.wait();
                let mut own = 0;
                while !stop.load(Ordering::Relaxed) {
                    call(BATCH);
                    own += BATCH;
                }
                made.fetch_add(own, Ordering::Relaxed);
            });
        }
        together.wait();
        let began = Instant::now();
        thread::sleep(SPAN);
        stop.store(true, Ordering::Relaxed);
        took = began.elapsed();
    });
    made.load(Ordering::Relaxed) as f64 / took.as_secs_f64() / 1e6
}
