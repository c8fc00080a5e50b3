//! How the cost of a call grows: with the calls in the window, with the number of breakers, with
//! the number of layers. Wall time; the fastest of many batches, as noise only ever adds.

use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use seawall::Breaker;
use seawall::breaker::BreakerBuilder;
use seawall::policy::{Chain, Identity};
use seawall::{AllTransient, FromFn, Lazy, Policy};

use crate::operation::ready;
use crate::plot::Series;
use crate::poll;

/// Long enough for a window to keep every call.
const LONG: Duration = Duration::from_mins(10);
const BATCHES: usize = 40;
const BATCH: u64 = 2_000;

/// A call, prepared.
pub type Call = Box<dyn FnMut(&mut Context<'_>)>;

/// One line of the growth with the window: the library, the most calls in its window (its
/// cost may grow with them), and how it is made.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// The library of the breaker.
    pub subject: &'static str,
    /// Beyond this it would take too long.
    pub most: u64,
    /// A breaker with a long time window.
    pub prepare: fn() -> Call,
}

/// One line of the growth with the number of breakers.
#[derive(Clone, Copy, Debug)]
pub struct Many {
    /// The library of the breakers.
    pub subject: &'static str,
    /// This many breakers, called in an order that no cache can predict.
    pub prepare: fn(usize) -> Call,
}

/// Nanoseconds per call against calls in the window.
pub fn with_window() -> Vec<Series> {
    let mut lines = vec![Window { subject: "seawall", most: 10_000_000, prepare: window }];
    #[cfg(feature = "peers")]
    lines.extend(crate::cases::peers::windows());
    lines.drain(..).map(|line| filled(&line)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn filled(line: &Window) -> Series {
    let mut cx = Context::from_waker(Waker::noop());
    let mut call = (line.prepare)();
    let (mut points, mut held) = (Vec::new(), 0);
    for exponent in 1..=7 {
        let size = 10_u64.pow(exponent);
        if size > line.most {
            break;
        }
        while held < size {
            call(&mut cx);
            held += 1;
        }
        // A few calls only, so that they don't change the size that is measured by much.
        let batch = (size / 10).clamp(5, 500);
        points.push((size as f64, fastest(&mut call, batch, 20)));
        held += batch * 20;
    }
    Series { name: line.subject.into(), points }
}

fn window() -> Call {
    let breaker = build(Breaker::builder().time_window(LONG));
    Box::new(move |cx| poll(breaker.call(ready()), cx).map(drop).expect("a closed breaker"))
}

/// Nanoseconds per call against the number of breakers that calls are spread over.
pub fn with_breakers() -> Vec<Series> {
    let mut lines = vec![Many { subject: "seawall", prepare: many }];
    #[cfg(feature = "peers")]
    lines.extend(crate::cases::peers::many());
    lines.drain(..).map(|line| spread(&line)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn spread(line: &Many) -> Series {
    let points = (0..=6).map(|exponent| {
        let count = 10_usize.pow(exponent);
        (count as f64, fastest(&mut (line.prepare)(count), BATCH, BATCHES))
    });
    Series { name: line.subject.into(), points: points.collect() }
}

fn many(count: usize) -> Call {
    let breakers: Vec<Breaker> =
        (0..count).map(|_| build(Breaker::builder().count_window(100))).collect();
    let mut order = Order::default();
    Box::new(move |cx| {
        let breaker = &breakers[order.below(breakers.len())];
        poll(breaker.call(ready()), cx).map(drop).expect("a closed breaker");
    })
}

/// A fixed order that looks like chance: Weyl's sequence, mixed.
#[derive(Debug, Default)]
pub struct Order(u64);

impl Order {
    /// The next number, below `bound`.
    #[inline]
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 32;
        let mixed = mixed as usize;
        mixed % bound
    }
}

/// Nanoseconds per call against the number of breakers around one call.
pub fn with_layers() -> Vec<Series> {
    let layer = || build(Breaker::builder().count_window(100));
    let mut points = vec![(0.0, layered(Identity))];
    macro_rules! around {
        ($inner:expr; $depth:literal $($rest:literal)*) => {
            let policy = Chain::new(layer(), $inner);
            points.push((f64::from($depth), layered(policy.clone())));
            around!(policy.clone(); $($rest)*);
        };
        ($inner:expr;) => {};
    }
    around!(Identity; 1 2 3 4 5 6 7 8 9 10);
    vec![Series { name: "seawall, breakers around one call".into(), points }]
}

fn layered<P>(policy: P) -> f64
where
    P: Policy,
    for<'p> P::Wrapped<'p, FromFn<'static, fn() -> Ready>>: seawall::Call,
{
    let mut cx = Context::from_waker(Waker::noop());
    let mut best = f64::MAX;
    for _ in 0..BATCHES {
        let began = Instant::now();
        for _ in 0..BATCH {
            let call: FromFn<'static, fn() -> Ready> = FromFn::new(answer, &AllTransient);
            std::hint::black_box(&poll(Lazy::new(policy.wrap(call)), &mut cx));
        }
        best = best.min(each(began.elapsed(), BATCH));
    }
    best
}

type Ready = std::future::Ready<Result<u64, crate::operation::Failure>>;

fn answer() -> Ready {
    std::future::ready(Ok(7))
}

fn build(builder: BreakerBuilder) -> Breaker {
    builder.build().expect("a valid breaker")
}

/// The fastest of `batches` batches, in nanoseconds per call.
fn fastest(call: &mut Call, batch: u64, batches: usize) -> f64 {
    let mut cx = Context::from_waker(Waker::noop());
    let mut best = f64::MAX;
    for _ in 0..batches {
        let began = Instant::now();
        for _ in 0..batch {
            call(&mut cx);
        }
        best = best.min(each(began.elapsed(), batch));
    }
    best
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn each(took: Duration, calls: u64) -> f64 {
    took.as_nanos() as f64 / calls as f64
}
