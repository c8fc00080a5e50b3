//! Timeouts, panic guards and fallbacks.

use std::time::Duration;

use seawall_guard::{Fallback, PanicGuard, Timeout};

use crate::operation::{failing, hush, panicking, ready, yielding};
use crate::{Case, in_runtime, poll, polled, polled_in_runtime};

const SECOND: Duration = Duration::from_secs(1);

/// The guards' cases.
///
/// # Panics
///
/// When a case can't be prepared.
pub fn cases() -> Vec<Case> {
    vec![
        Case::ours("timeout/ready", || {
            let timeout = Timeout::new(SECOND);
            polled_in_runtime(move |cx| poll(timeout.call(ready()), cx), 1, Result::is_ok)
        }),
        Case::ours("timeout/yields", || {
            let timeout = Timeout::new(SECOND);
            in_runtime(async move || timeout.call(yielding()).await, 1, Result::is_ok)
        }),
        Case::ours("panic/ready", || {
            let guard = panic_guard();
            polled(move |cx| poll(guard.call(ready()), cx), 1, Result::is_ok)
        }),
        Case::ours("panic/panics", || {
            hush();
            let guard = panic_guard();
            polled(move |cx| poll(guard.call(panicking()), cx), 1, Result::is_err)
        })
        .calls(1_000),
        Case::ours("fallback/not-used", || {
            let fallback = Fallback::value(1_u64).name("benches").build().expect("valid");
            polled(move |cx| poll(fallback.call(ready()), cx), 1, |answer| matches!(answer, Ok(7)))
        }),
        Case::ours("fallback/used", || {
            let fallback = Fallback::value(1_u64).name("benches").build().expect("valid");
            polled(
                move |cx| poll(fallback.call(failing()), cx),
                1,
                |answer| matches!(answer, Ok(1)),
            )
        }),
    ]
}

fn panic_guard() -> PanicGuard {
    PanicGuard::builder().name("benches").build().expect("a valid guard")
}
