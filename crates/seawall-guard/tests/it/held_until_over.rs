//! Everything that a call holds is given back before its caller resumes, not when the caller drops the
//! call.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use seawall_guard::timeout::Detach;
use seawall_guard::{Deadline, Fallback, PanicGuard, Timeout};
use seawall_testkit::{Alive, Token};

/// Is ready at once, and keeps its token until it is dropped.
struct Keeps(Result<u32, &'static str>, #[expect(dead_code, reason = "held")] Token);

impl Future for Keeps {
    type Output = Result<u32, &'static str>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(self.0)
    }
}

/// Asserts that a call which is over, but not dropped, holds nothing.
fn assert_over<F: Future>(alive: &Alive, call: F) {
    let mut call = pin!(call);
    assert_eq!(alive.now(), 1);
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    assert_eq!(alive.now(), 0);
}

#[tokio::test]
async fn whether_it_succeeded_or_failed() {
    let alive = Alive::default();
    let second = Duration::from_secs(1);
    let timeout = Timeout::new(second);
    let detach = Detach::builder().limit(second).build().unwrap();
    let guard = PanicGuard::builder().build().unwrap();
    let fallback = Fallback::value(7).build().unwrap();
    for outcome in [Ok(7), Err("down")] {
        let keeps = || Keeps(outcome, alive.token());
        assert_over(&alive, timeout.call(keeps()));
        assert_over(&alive, Deadline::after(second).call(keeps()));
        assert_over(&alive, detach.call(keeps()));
        assert_over(&alive, guard.call(keeps()));
        assert_over(&alive, fallback.call(keeps()));
    }
}
