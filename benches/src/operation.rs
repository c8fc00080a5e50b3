//! The operations that the cases wrap. Each counts how often it ran, so that a case can check that
//! the work was really done; the counting costs the same three instructions in every case.

use std::fmt;
use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

static RUNS: AtomicU64 = AtomicU64::new(0);

/// How often an operation ran since the process started.
#[inline]
pub fn runs() -> u64 {
    RUNS.load(Ordering::Relaxed)
}

// Not a read-modify-write: those would be what many cases spend most of their time on. Cases that
// run on several threads do not read the count.
#[inline]
fn count() {
    RUNS.store(RUNS.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

/// How an operation fails: a machine word, as small as an error can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure(pub u32);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failure {}", self.0)
    }
}

impl std::error::Error for Failure {}

/// Succeeds at once.
#[inline]
pub async fn ready() -> Result<u64, Failure> {
    count();
    black_box(Ok(7))
}

/// Fails at once.
#[inline]
pub async fn failing() -> Result<u64, Failure> {
    count();
    black_box(Err(Failure(1)))
}

/// Succeeds or fails as given, and counts nothing: for many threads at once, which would otherwise
/// contend for the count.
#[inline]
pub async fn uncounted(well: bool) -> Result<u64, Failure> {
    black_box(if well { Ok(7) } else { Err(Failure(1)) })
}

static LUCK: AtomicU64 = AtomicU64::new(0);

/// Fails twice of three times.
#[inline]
pub async fn third_time_lucky() -> Result<u64, Failure> {
    count();
    let luck = LUCK.load(Ordering::Relaxed) + 1;
    LUCK.store(luck, Ordering::Relaxed);
    black_box(if luck.is_multiple_of(3) { Ok(7) } else { Err(Failure(1)) })
}

/// Fails once of ten times.
#[inline]
pub async fn one_in_ten_fails() -> Result<u64, Failure> {
    count();
    black_box(if runs().is_multiple_of(10) { Err(Failure(1)) } else { Ok(7) })
}

/// Panics.
#[inline]
pub async fn panicking() -> Result<u64, Failure> {
    count();
    std::panic::panic_any("boom")
}

/// Keeps panics from being printed, for the cases that are about panics.
pub fn hush() {
    std::panic::set_hook(Box::new(|_| {}));
}

/// Is pending once, having woken itself, then succeeds.
#[inline]
pub async fn yielding() -> Result<u64, Failure> {
    WakeOnce::default().await;
    ready().await
}

/// Is pending once, having woken itself.
#[derive(Debug, Default)]
pub struct WakeOnce(bool);

impl Future for WakeOnce {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
