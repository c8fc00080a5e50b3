//! Retry, its budget, and hedging.

use seawall_retry::{Backoff, Retry, RetryBuilder};

use crate::operation::{ready, third_time_lucky};
use crate::{Case, poll, polled};

/// The cases of retry, budget and hedge.
pub fn cases() -> Vec<Case> {
    vec![
        Case::ours("retry/first", || {
            let retry = build(Retry::builder().max_attempts(3));
            polled(move |cx| poll(retry.call(ready), cx), 1, Result::is_ok)
        }),
        Case::ours("retry/third", || {
            let retry = build(Retry::builder().max_attempts(3).backoff(Backoff::none()));
            polled(move |cx| poll(retry.call(third_time_lucky), cx), 3, Result::is_ok)
        }),
    ]
}

fn build(builder: RetryBuilder) -> Retry {
    builder.name("benches").idempotent().build().expect("a valid retry")
}
