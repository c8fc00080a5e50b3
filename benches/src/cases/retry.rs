//! Retry, its budget, and hedging.
#![expect(
    clippy::redundant_closure,
    reason = "operations are passed as callers write them, as closures; so in every case"
)]

use std::time::Duration;

use seawall_retry::{Backoff, Budget, BudgetBuilder, Hedge, HedgeBuilder, Retry, RetryBuilder};

use crate::operation::{ready, third_time_lucky};
use crate::{Case, plain, poll, polled, polled_in_runtime};

/// The cases of retry, budget and hedge.
pub fn cases() -> Vec<Case> {
    vec![
        Case::ours("retry/first", || {
            let retry = build(Retry::builder());
            polled(move |cx| poll(retry.call(|| ready()), cx), 1, Result::is_ok)
        }),
        Case::variant("retry/first", "without a budget", || {
            let retry = build(Retry::builder().without_budget());
            polled(move |cx| poll(retry.call(|| ready()), cx), 1, Result::is_ok)
        }),
        Case::ours("retry/third", || {
            let retry = build(Retry::builder().backoff(Backoff::none()).without_budget());
            polled(move |cx| poll(retry.call(|| third_time_lucky()), cx), 3, Result::is_ok)
        }),
        Case::variant("retry/third", "with a budget", || {
            // Every call may be retried twice: what a budget costs, not what it refuses.
            let budget = open_handed(Budget::builder());
            let retry = build(Retry::builder().backoff(Backoff::none()).budget(&budget));
            polled(move |cx| poll(retry.call(|| third_time_lucky()), cx), 3, Result::is_ok)
        }),
        Case::ours("hedge/ready", || {
            let hedge = hedge(Hedge::builder());
            polled_in_runtime(move |cx| poll(hedge.call(|| ready()), cx), 1, Result::is_ok)
        }),
        Case::variant("hedge/ready", "without a budget", || {
            let hedge = hedge(Hedge::builder().without_budget());
            polled_in_runtime(move |cx| poll(hedge.call(|| ready()), cx), 1, Result::is_ok)
        }),
        Case::variant("budget/take-and-give", "tokens", || {
            let budget = open_handed(Budget::builder());
            plain(move || budget.try_acquire().is_some(), |&taken| taken)
        }),
        Case::variant("budget/take-and-give", "tokens and share in flight", || {
            let budget = open_handed(Budget::builder().in_flight(0.2, 3));
            plain(move || budget.try_acquire().is_some(), |&taken| taken)
        }),
        Case::variant("budget/call", "tokens", || {
            let budget = open_handed(Budget::builder());
            plain(move || drop(budget.call()), |()| true)
        }),
    ]
}

fn build(builder: RetryBuilder) -> Retry {
    builder.name("benches").max_attempts(3).idempotent().build().expect("a valid retry")
}

fn hedge(builder: HedgeBuilder) -> Hedge {
    builder
        .name("benches")
        .delay(Duration::from_millis(500))
        .max_attempts(2)
        .build()
        .expect("a valid hedge")
}

fn open_handed(builder: BudgetBuilder) -> Budget {
    builder
        .name("benches")
        .deposit(2.0)
        .capacity(1_000.0)
        .reserve(1_000.0)
        .build()
        .expect("a valid budget")
}
